"""Whether two products are of one type: by category, else by nearness of their texts."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAX_SHARE = 0.2  # a category that holds more of the catalogue tells nothing apart
NEAR_SHARE = 0.995  # of random pairs are farther apart than two products of one type
SAMPLE_PAIRS = 20_000
NONE = -1


@dataclass(frozen=True, slots=True)
class ProductTypes:
    """Types of a catalogue.

    Attributes:
        categories: a number for each category, -1 where there is none, int64 [products].
        vectors: text vectors, float32 [products, d].
        least_cosine: above which two products without categories are of one type.
    """

    categories: NDArray[np.int64]
    vectors: NDArray[np.float32]
    least_cosine: float

    @classmethod
    def of(
        cls, categories: Sequence[str], vectors: NDArray[np.float32], seed: int
    ) -> "ProductTypes":
        """Types from category paths ("" for none) and vectors."""
        counts = Counter(categories)
        wide = {name for name, n in counts.items() if not name or n > MAX_SHARE * len(categories)}
        number = {name: i for i, name in enumerate(sorted(set(counts) - wide))}
        codes = np.array([number.get(name, NONE) for name in categories], np.int64)
        a, b = np.random.default_rng(seed).integers(0, len(vectors), (2, SAMPLE_PAIRS))
        cosines = (vectors[a] * vectors[b]).sum(axis=1)[a != b]
        least = float(np.quantile(cosines, NEAR_SHARE)) if len(cosines) else 1.0
        return cls(codes, vectors, least)

    def same(self, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each pair is of one type, bool [pairs]."""
        known = (self.categories[a] != NONE) & (self.categories[b] != NONE)
        same: NDArray[np.bool_] = self.categories[a] == self.categories[b]
        rows = np.flatnonzero(~known)
        near = (self.vectors[a[rows]] * self.vectors[b[rows]]).sum(axis=1) > self.least_cosine
        same[rows] = near
        return same
