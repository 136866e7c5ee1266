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
        probabilities: of the relation, float64 [n]; None where it has none.
    """

    keys: Keys
    contributions: tuple[Contribution, ...]
    probabilities: NDArray[np.float64] | None = None

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
            None if self.probabilities is None else self.probabilities[rows],
        )

    def best_first(self) -> "Ranking":
        """Ordered by falling score, ties by key."""
        return self.take(np.lexsort((self.keys, -self.scores())))


def evidence(
    ranking: Ranking, start: int, stop: int, id_of: Callable[[int], str]
) -> list[tuple[float, tuple[Evidence, ...]]]:
    """Score and parts of each row start..stop, largest first; parts of exactly 0 are left out."""
    rows: list[list[Evidence]] = [[] for _ in ranking.keys[start:stop]]
    for part in ranking.contributions:
        values = part.values[start:stop].tolist()
        movers = [NO_PRODUCT] * len(rows)
        if part.products is not None:
            movers = part.products[start:stop].tolist()
        for row, value, mover in zip(rows, values, movers, strict=True):
            if value != 0.0:
                name = "" if mover == NO_PRODUCT else id_of(mover)
                row.append(Evidence(part.kind, value, name))
    for row in rows:
        row.sort(key=lambda one: -abs(one.contribution))
    return [(sum(one.contribution for one in row), tuple(row)) for row in rows]


def union(parts: Sequence[Keys]) -> Keys:
    """Distinct keys of several lists, ascending."""
    filled = [part for part in parts if len(part)]
    return np.unique(np.concatenate(filled)) if filled else np.zeros(0, np.int64)
