"""The sources of candidates: what each says of every item for a shopper's history."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from relatum_export.training.ranker.pairs import heaviest
from relatum_export.training.ranker.profile import basket_profile
from relatum_export.training.ranker.requests import BasketLog, Request
from relatum_export.training.users.histories import DAY_S

RECENT_DAYS = 7
HALF_LIVES = 6  # a basket older than so many half-lives is left out: it would weigh 1/64
MIN_LENGTH = 1e-12
ANCHORS = 100  # heaviest items of a history whose pairs count, as in the server


class Source(Protocol):
    """One opinion on the catalogue; 0 for an item that it has nothing to say of."""

    def scores(self, requests: Sequence[Request]) -> NDArray[np.float32]:
        """Float32 [requests, items]; higher is better, below 0 counts as 0."""
        ...


@dataclass(frozen=True, slots=True)
class Frequency:
    """How often the shopper had an item, ``step`` a basket further back, over the largest.

    **Source**: personal frequency with recency, Hu et al. 2020, Modeling Personalized Item
    Frequency for Next-Basket Recommendation, section 4.1.
    """

    items: int
    step: float

    def scores(self, requests: Sequence[Request]) -> NDArray[np.float32]:
        """See ``Source``."""
        found = basket_profile(requests, self.items, self.step).toarray()
        largest = found.max(axis=1, keepdims=True, initial=MIN_LENGTH)
        result: NDArray[np.float32] = found / largest
        return result


@dataclass(frozen=True, slots=True)
class RecentPopularity:
    """Share of the last seven days' baskets that hold an item."""

    log: BasketLog

    def scores(self, requests: Sequence[Request]) -> NDArray[np.float32]:
        """See ``Source``."""
        out = np.zeros((len(requests), self.log.held.shape[1]), np.float32)
        for row, request in enumerate(requests):
            window = self.log.between(request.time - RECENT_DAYS * DAY_S, request.time)
            held = self.log.held[window]
            counts = np.bincount(held.indices, minlength=out.shape[1])
            out[row] = counts / max(held.shape[0], 1)
        return out


@dataclass(frozen=True, slots=True)
class RecentCoPurchase:
    """Share of the recent baskets near the shopper that hold an item.

    A basket weighs 2^(-age / half-life) times the part of it, by number of items, that the shopper
    had (each item by its frequency). What is new in the shop, or in season, is thereby known from
    the first baskets on.

    Attributes:
        log: the shop's baskets.
        half_life_days: of a basket.
        step: weight of each further basket back in the shopper's frequency.

    **Source**: baskets as neighbours with time decay, Garg et al. 2019, Sequence and Time Aware
    Neighborhood for Session-based Recommendations (STAN), section 3.
    """

    log: BasketLog
    half_life_days: float
    step: float

    def scores(self, requests: Sequence[Request]) -> NDArray[np.float32]:
        """See ``Source``."""
        items = self.log.held.shape[1]
        out = np.zeros((len(requests), items), np.float32)
        profiles = basket_profile(requests, items, self.step).toarray()
        half_life = self.half_life_days * DAY_S
        for row, request in enumerate(requests):
            window = self.log.between(request.time - HALF_LIVES * half_life, request.time)
            held = self.log.held[window]
            age = request.time - self.log.times[window]
            near = (held @ profiles[row]) / np.maximum(np.diff(held.indptr), 1)
            near = near * 0.5 ** (age / half_life)
            total = near.sum()
            if total > 0:
                out[row] = (held.T @ near) / total
        return out


@dataclass(frozen=True, slots=True)
class ItemPairs:
    """What goes with or follows the items of the history, the newest heaviest.

    Attributes:
        weights: from the row's item to the column's, [items, items] float32 CSR.
        step: weight of each further basket (without baskets: event) back.
        mean: whether the sum is divided by the profile's, so that long histories weigh the same.
    """

    weights: sparse.csr_matrix
    step: float
    mean: bool = False

    def scores(self, requests: Sequence[Request]) -> NDArray[np.float32]:
        """See ``Source``."""
        profile = basket_profile(requests, self.weights.shape[0], self.step)
        profile.sum_duplicates()
        anchors = heaviest(profile, ANCHORS)
        found: NDArray[np.float32] = (anchors @ self.weights).toarray()
        if self.mean:
            found /= np.maximum(np.asarray(profile.sum(axis=1)).reshape(-1, 1), MIN_LENGTH)
        return found


@dataclass(frozen=True, slots=True)
class Popularity:
    """Events of each item over the most frequent one's; the same for all shoppers."""

    counts: NDArray[np.float64]

    def scores(self, requests: Sequence[Request]) -> NDArray[np.float32]:
        """See ``Source``."""
        share = (self.counts / max(self.counts.max(initial=0.0), 1.0)).astype(np.float32)
        return np.tile(share, (len(requests), 1))


@dataclass(frozen=True, slots=True)
class Space:
    """Cosine of each item with the history's mean vector, the newest heaviest.

    Attributes:
        asked: vectors that histories are averaged of, float32 [items, d]; zeros where none.
        found: vectors of the candidates, float32 [items, d]; zeros where none.
        step: weight of each further basket (without baskets: event) back.
    """

    asked: NDArray[np.float32]
    found: NDArray[np.float32]
    step: float

    def scores(self, requests: Sequence[Request]) -> NDArray[np.float32]:
        """See ``Source``."""
        mean = basket_profile(requests, len(self.asked), self.step) @ self.asked
        length = np.linalg.norm(mean, axis=1, keepdims=True)
        result: NDArray[np.float32] = (mean / np.maximum(length, MIN_LENGTH)) @ self.found.T
        return result
