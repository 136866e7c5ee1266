"""What shoppers' events add up to: popularity, baskets, queries."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from relatum_server.domain import Event, EventType
from relatum_server.services.copurchase import CoPurchasePart
from relatum_server.services.product_keys import ProductKeys
from relatum_server.services.recent import RecentBaskets

Keys = NDArray[np.int64]


class PopularityCounter(Protocol):
    """Purchases that decay with a half-life of seven days. Safe from any thread."""

    def add(self, key: int, weight: float, time_us: int) -> None:
        """Count purchases of a product at a time."""
        ...

    def remove(self, key: int) -> None:
        """Forget a product."""
        ...

    def scores(self, keys: Keys) -> NDArray[np.float64]:
        """Decayed counts [n], on one scale; 0 where nothing is known."""
        ...

    def top(self, k: int) -> Sequence[int]:
        """Keys of the k most popular products, best first."""
        ...


class CoPurchaseCounter(Protocol):
    """Baskets written here, by product. Safe from any thread."""

    def __len__(self) -> int:
        """Baskets."""
        ...

    def add(self, basket: str, key: int) -> None:
        """Put a product into a basket."""
        ...

    def remove(self, key: int) -> None:
        """Forget a product."""
        ...

    def neighbours(self, key: int, k: int) -> tuple[Keys, NDArray[np.float64]]:
        """Keys of the k products in most baskets with this one, and how many those are."""
        ...

    def baskets(self, keys: Keys) -> NDArray[np.float64]:
        """Baskets [n] with each product."""
        ...


class QueryLog(Protocol):
    """Words searched for. Safe from any thread."""

    def add(self, query: str, shopper: str) -> None:
        """Count a search."""
        ...

    def complete(self, prefix: str, k: int) -> Sequence[tuple[str, int]]:
        """Queries of at least two shoppers that begin so, and their counts, most frequent first."""
        ...


class Traffic:
    """Counts over the artifact's history and the events written here.

    Purchases of a product that the catalogue lacks wait until it arrives.
    """

    def __init__(
        self,
        popularity: PopularityCounter,
        copurchase: CoPurchaseCounter,
        queries: QueryLog,
        *,
        pairs: CoPurchasePart,
        history: Mapping[str, tuple[float, int]],
    ) -> None:
        """Take empty counters and the artifact's parts (`read_copurchase`, `read_popularity`)."""
        self.queries = queries
        self.recent = RecentBaskets()
        self._popularity = popularity
        self._copurchase = copurchase
        self._pairs = pairs
        self._history = history
        self._bought: dict[int, float] = {}
        self._waiting: dict[str, list[tuple[str, int]]] = {}
        self._lock = threading.Lock()

    @property
    def has_pairs(self) -> bool:
        """Whether anything is known of what goes together."""
        return bool(self._pairs) or len(self._copurchase) > 0

    # Writes, by one thread at a time

    def add(self, events: Iterable[Event], keys: ProductKeys) -> None:
        """Count stored events."""
        for event in events:
            if event.type is EventType.SEARCH:
                self.queries.add(event.query, event.user)
            elif event.type is EventType.PURCHASE:
                basket = _basket(event)
                for item in event.items:
                    key = keys.key_of(item.product_id)
                    if key is None:
                        lines = self._waiting.setdefault(item.product_id, [])
                        lines.append((basket, event.time_us))
                    else:
                        self._count(key, basket, event.time_us)

    def join(self, key: int, product_id: str) -> None:
        """Let a product take part; harmless again."""
        if key in self._bought:
            return
        count, last_us = self._history.get(product_id, (0.0, 0))
        self._bought[key] = count
        if count and last_us:
            self._popularity.add(key, count, last_us)
        self._pairs.join(key, product_id)
        for basket, time_us in self._waiting.pop(product_id, ()):
            self._count(key, basket, time_us)

    def leave(self, key: int, product_id: str) -> None:
        """Forget a product."""
        self._bought.pop(key, None)
        self._pairs.leave(key)
        self._popularity.remove(key)
        self._copurchase.remove(key)
        self.recent.remove(key)

    def _count(self, key: int, basket: str, time_us: int) -> None:
        self._popularity.add(key, 1.0, time_us)
        self._copurchase.add(basket, key)
        self.recent.add(key, basket, time_us)

    # Reads

    def popularity(self, keys: Keys) -> NDArray[np.float64]:
        """Decayed purchases [n]."""
        return self._popularity.scores(keys)

    def popular(self, k: int) -> Keys:
        """Keys of the most popular products: by decayed purchases, then by the artifact's count."""
        return np.array(self._popularity.top(k), dtype=np.int64)

    def baskets(self, keys: Keys) -> NDArray[np.float64]:
        """Baskets [n] with each product, in the artifact's history and since."""
        before = [self._bought.get(key, 0.0) for key in keys.tolist()]
        return np.array(before, np.float64) + self._copurchase.baskets(keys)

    def neighbours(self, key: int, k: int) -> tuple[Keys, NDArray[np.float64]]:
        """Keys of products bought with one, and baskets with both, in the history and since."""
        before, before_counts = self._pairs.neighbours(key, k)
        since, since_counts = self._copurchase.neighbours(key, k)
        if not len(since):
            return before, before_counts
        keys = np.union1d(before, since).astype(np.int64)
        counts = np.zeros(len(keys))
        counts[np.searchsorted(keys, before)] += before_counts
        counts[np.searchsorted(keys, since)] += since_counts
        return keys, counts


def _basket(event: Event) -> str:
    """What tells baskets apart: the session, else the shopper at a time, else the event."""
    if event.session:
        return event.session
    return f"{event.user}@{event.time_us}" if event.user else event.id
