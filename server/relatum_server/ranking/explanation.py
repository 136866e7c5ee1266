"""Ranked lists whose scores are sums of named contributions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relatum_server.domain import Evidence, EvidenceKind

Keys = NDArray[np.int64]
NO_PRODUCT = -1


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one source adds to the score of each candidate.

    Attributes:
        kind: the source.
        values: float64 [n].
        products: int64 [n], key of the product that moved it, -1 for none; None for none at all.
    """

    kind: EvidenceKind
    values: NDArray[np.float64]
    products: Keys | None = None


@dataclass(frozen=True, slots=True)
class Ranking:
    """Candidates and their contributions, in one order.

    Attributes:
        keys: int64 [n], distinct.
        contributions: each of length n.
    """

    keys: Keys
    contributions: tuple[Contribution, ...]

    def __len__(self) -> int:
        return len(self.keys)

    def scores(self) -> NDArray[np.float64]:
        """float64 [n]: the sum of the contributions."""
        total = np.zeros(len(self.keys))
        for part in self.contributions:
            total += part.values
        return total

    def take(self, rows: NDArray[np.int64]) -> "Ranking":
        """The candidates at these rows, in this order."""
        return Ranking(
            self.keys[rows],
            tuple(
                Contribution(
                    part.kind,
                    part.values[rows],
                    None if part.products is None else part.products[rows],
                )
                for part in self.contributions
            ),
        )

    def best_first(self) -> "Ranking":
        """Ordered by falling score, ties by key."""
        return self.take(np.lexsort((self.keys, -self.scores())))


def evidence(
    ranking: Ranking, row: int, id_of: Callable[[int], str]
) -> tuple[float, tuple[Evidence, ...]]:
    """Score of one row and its parts, largest first; parts of exactly 0 are left out."""
    parts = [
        Evidence(
            part.kind,
            float(part.values[row]),
            _name(part.products, row, id_of),
        )
        for part in ranking.contributions
        if part.values[row] != 0.0
    ]
    parts.sort(key=lambda part: -abs(part.contribution))
    return sum(part.contribution for part in parts), tuple(parts)


def _name(products: Keys | None, row: int, id_of: Callable[[int], str]) -> str:
    if products is None or products[row] == NO_PRODUCT:
        return ""
    return id_of(int(products[row]))


def union(parts: Sequence[Keys]) -> Keys:
    """Distinct keys of several lists, ascending."""
    filled = [part for part in parts if len(part)]
    return np.unique(np.concatenate(filled)) if filled else np.zeros(0, np.int64)
