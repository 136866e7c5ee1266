"""The user encoder as a source of candidates."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relatum_server.domain import EvidenceKind
from relatum_server.encoder.user_encoder import UserEncoder
from relatum_server.ranking.explanation import NO_PRODUCT
from relatum_server.services.histories import Settings
from relatum_server.services.live import LiveCatalogue
from relatum_server.services.places import BehaviourPlaces
from relatum_server.services.shopper import Shopper
from relatum_server.services.sources import Source

DAY_US = 86_400 * 1_000_000
Keys = NDArray[np.int64]
Mask = NDArray[np.bool_]
Values = NDArray[np.float64]
Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class UserQuery:
    """A shopper's query into the behaviour space.

    Attributes:
        places: of the products.
        query: float32 [d].
        history: keys of the events that it was made of.
        had: keys that it does not name again.
    """

    places: BehaviourPlaces
    query: Vectors
    history: Keys
    had: Keys
    kind: EvidenceKind = EvidenceKind.BEHAVIOUR

    def best(self, k: int, allowed: Mask | None) -> Keys:
        """See `Source`."""
        found = self.places.search(self.query, k + len(self.had), allowed=allowed).keys
        return found[~np.isin(found, self.had)][:k]

    def of(self, keys: Keys) -> tuple[Values, Keys | None]:
        """See `Source`: each is moved by the event of the history nearest to it."""
        vectors, present = self.places.get(keys)
        present &= ~np.isin(keys, self.had)
        values = np.where(present, (vectors @ self.query).astype(np.float64), 0.0)
        own, _ = self.places.get(self.history)
        nearest = self.history[(vectors @ own.T).argmax(axis=1)]
        return values, np.where(present, nearest, NO_PRODUCT)


class Users:
    """Asks the user encoder; `source` is a maker of `histories`."""

    def __init__(self, encoder: UserEncoder, places: BehaviourPlaces) -> None:
        self._encoder, self._places = encoder, places

    def source(self, live: LiveCatalogue, shopper: Shopper, settings: Settings) -> Source | None:
        """The query of a shopper's newest events that have a place; None without any."""
        del settings
        vectors, present = self._places.get(shopper.history)
        keys = shopper.history[present][: self._encoder.max_history][::-1]
        if not len(keys):
            return None
        times_us = shopper.times_us[present][: len(keys)][::-1]
        now_us = max(live.traffic.newest_purchase_us, shopper.profile.last_time_us)
        gaps = np.diff(np.append(times_us, now_us)) / DAY_US
        query = self._encoder.query(
            np.ascontiguousarray(vectors[present][: len(keys)][::-1]),
            np.maximum(gaps, 0.0).astype(np.float32),
        )
        had = np.zeros(0, np.int64)
        if not self._encoder.repeats:
            had = live.keys.keys_of(shopper.profile.purchases)
        return UserQuery(self._places, query, keys, had)
