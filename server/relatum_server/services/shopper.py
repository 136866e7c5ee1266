"""One shopper as the sources of candidates see them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relatum_server.ranking.profile import ShopperProfile
from relatum_server.services.live import LiveCatalogue
from relatum_server.services.taste import interests

Keys = NDArray[np.int64]
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Shopper:
    """A profile, looked up in the catalogue.

    Attributes:
        profile: what is known.
        history: keys of the events that tell what comes next, newest first.
        ranks: int64, how many baskets ago each was, 0 for the newest that the catalogue knows.
        times_us: int64, when each was.
        interests: keys of the products that weigh most, heaviest first.
        strength: their weights.
    """

    profile: ShopperProfile
    history: Keys
    ranks: Keys
    times_us: Keys
    interests: Keys
    strength: Values

    @classmethod
    def of(cls, live: LiveCatalogue, profile: ShopperProfile) -> "Shopper":
        """Look up what the catalogue has of a profile."""
        liked, strength = interests(live.keys, profile)
        found = [(live.keys.key_of(step.product_id), step) for step in profile.history]
        known = [(key, step) for key, step in found if key is not None]
        baskets = np.array([step.rank for _, step in known], np.int64)
        return cls(
            profile,
            np.array([key for key, _ in known], np.int64),
            np.unique(baskets, return_inverse=True)[1].astype(np.int64),
            np.array([step.time_us for _, step in known], np.int64),
            liked,
            strength,
        )

    def weights(self, step: float) -> tuple[Keys, Values]:
        """Products [n] of the history, ascending, and `step` to the baskets since, summed."""
        keys, at = np.unique(self.history, return_inverse=True)
        each = step ** self.ranks.astype(np.float64)
        if not len(keys):
            return keys, np.zeros(0)
        return keys, np.bincount(at, each, len(keys)).astype(np.float64)

    def heaviest(self, step: float, count: int) -> tuple[Keys, Values, float]:
        """The `count` heaviest of `weights`, ties by key, and the sum of all weights."""
        keys, weights = self.weights(step)
        order = np.argsort(-weights, kind="stable")[:count]
        return keys[order], weights[order], float(weights.sum())
