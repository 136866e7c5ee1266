"""Ordered item pairs of the same history: the simple recommender that is hard to beat."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse


@dataclass(frozen=True, slots=True)
class TransitionSettings:
    """How pairs of a history are counted and how a history is read.

    Attributes:
        window: pairs at most so many events apart.
        step: weight of each further step between the two.
        backwards: weight of the pair turned round.
        popularity_power: the target's popularity divides by this power.
        history_step: weight of each step further back in the history asked about.
    """

    window: int
    step: float
    backwards: float = 0.3
    popularity_power: float = 0.25
    history_step: float = 0.7


SETTINGS = (TransitionSettings(10, 0.8), TransitionSettings(3, 0.6))  # valid chooses


@dataclass(frozen=True, slots=True)
class Transitions:
    """Fitted weights: [items, items] float32 CSR, from the row's item to the column's."""

    weights: sparse.csr_matrix
    settings: TransitionSettings

    @classmethod
    def fit(
        cls, histories: Sequence[Sequence[int]], items: int, settings: TransitionSettings
    ) -> "Transitions":
        """Count pairs; divide by the root of the row's sum and a power of the target's popularity.

        Args:
            histories: item positions of each shopper, oldest first.
            items: size of the catalogue.
            settings: see above.
        """
        counts = decayed_counts(histories, items, settings)
        events = np.fromiter((i for h in histories for i in h), np.int64)
        popularity = np.bincount(events, minlength=items).astype(np.float64)
        return cls(normalised(counts, popularity, settings), settings)

    def scores(self, histories: Sequence[Sequence[int]]) -> NDArray[np.float64]:
        """[histories, items]: the weights of the history's items, newest heaviest, summed."""
        profile = recency_profile(histories, self.weights.shape[0], self.settings.history_step)
        result: NDArray[np.float64] = (profile @ self.weights).toarray()
        return result


def decayed_counts(
    histories: Sequence[Sequence[int]], items: int, settings: TransitionSettings
) -> sparse.csr_matrix:
    """[items, items] CSR: pairs of one history, step^(events between), a share of it backwards."""
    events = np.fromiter((i for h in histories for i in h), np.int64)
    owner = np.repeat(np.arange(len(histories)), [len(h) for h in histories])
    counts = sparse.csr_matrix((items, items), dtype=np.float64)
    for distance in range(1, settings.window + 1):
        same = owner[distance:] == owner[:-distance]
        a, b = events[:-distance][same], events[distance:][same]
        weight = np.full(len(a), settings.step ** (distance - 1))
        counts = counts + sparse.csr_matrix((weight, (a, b)), (items, items))
        back = weight * settings.backwards
        counts = counts + sparse.csr_matrix((back, (b, a)), (items, items))
    return counts


def normalised(
    counts: sparse.csr_matrix, popularity: NDArray[np.float64], settings: TransitionSettings
) -> sparse.csr_matrix:
    """The counts over the root of their row's sum and a power of the target's popularity."""
    mass = np.asarray(counts.sum(axis=1)).ravel()
    rows = sparse.diags(1.0 / np.sqrt(np.maximum(mass, 1e-12)) * (mass > 0))
    columns = sparse.diags(np.maximum(popularity, 1.0) ** -settings.popularity_power)
    return (rows @ counts @ columns).tocsr()


def recency_profile(
    histories: Sequence[Sequence[int]], items: int, step: float
) -> sparse.csr_matrix:
    """[histories, items] CSR: step^(events since) of each item, summed where it occurs twice."""
    lengths = [len(h) for h in histories]
    columns = np.fromiter((i for h in histories for i in h), np.int64)
    back = np.concatenate([np.arange(n)[::-1] for n in lengths] or [np.zeros(0, np.int64)])
    rows = np.repeat(np.arange(len(histories)), lengths)
    return sparse.csr_matrix((step**back, (rows, columns)), (len(histories), items))
