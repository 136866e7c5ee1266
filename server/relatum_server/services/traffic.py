"""What shoppers' events and the artifact's history say of the catalogue's products."""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from relatum_server.domain import Event
from relatum_server.index.counters import EventCounters
from relatum_server.index.queries import QueryLog
from relatum_server.services.copurchase import PairPart
from relatum_server.services.history import PurchaseHistory
from relatum_server.services.product_keys import ProductKeys

Keys = NDArray[np.int64]
_NONE = -1
_Value = TypeVar("_Value", np.int64, np.float64)


@dataclass(frozen=True, slots=True)
class RecentBaskets:
    """Baskets side by side.

    Attributes:
        times_us: int64 [baskets], when each began.
        starts: int64 [baskets + 1]; basket i holds keys[starts[i] : starts[i + 1]].
        keys: int64, each product once a basket; -1 for one that the catalogue lacks.
    """

    times_us: Keys
    starts: Keys
    keys: Keys


class Traffic:
    """Counts over the artifact's history and the events written here, by product key.

    The counters know products by numbers of their own, in the catalogue or not; this class joins
    the two. One writer at a time; readers from any thread.
    """

    def __init__(
        self,
        counters: EventCounters | None = None,
        *,
        pairs: PairPart | None = None,
        transitions: PairPart | None = None,
        history: PurchaseHistory | None = None,
    ) -> None:
        """Take counters (of the same history) and the artifact's parts."""
        self.counters = counters or EventCounters()
        self._pairs = pairs or PairPart()
        self._transitions = transitions or PairPart()
        self._history = history or PurchaseHistory()
        self._key_of = np.full(1024, _NONE, np.int64)  # by number
        self._number_of = np.full(1024, _NONE, np.int64)  # by key, like what follows
        self._counts = np.zeros(1024)
        self._purchased = np.zeros(1024)
        self._times_us = np.zeros(1024, np.int64)
        self._logs = np.full(1024, -np.inf)
        self._largest = -np.inf
        self._recent_top: Keys | None = None
        self._lock = threading.Lock()

    @property
    def queries(self) -> QueryLog:
        """Words searched for."""
        return self.counters.queries

    @property
    def has_pairs(self) -> bool:
        """Whether anything is known of what goes together."""
        return bool(self._pairs) or len(self.counters.baskets) > 0

    # Writes

    def add(self, events: Iterable[Event], keys: ProductKeys) -> None:
        """Count stored events."""
        known = len(self.counters.ids)
        touched = self.counters.add(events)
        if not touched:
            return
        with self._lock:
            for number, product_id in enumerate(self.counters.ids[known:], start=known):
                key = keys.key_of(product_id)
                if key is not None:
                    self._pair(key, number)
            self._recent_top = None
            numbers = np.fromiter(touched, np.int64, len(touched))
            found = _at(self._key_of, numbers, _NONE)
            self._refresh(found[found >= 0])

    def join(self, keys: Sequence[int], ids: Sequence[str]) -> None:
        """Let products take part, with all that was ever bought of them; harmless again."""
        with self._lock:
            for key, product_id in zip(keys, ids, strict=True):
                self._grow_keys(key)
                self._counts[key], self._times_us[key] = self._history.of(product_id)
                self._pairs.join(key, product_id)
                self._transitions.join(key, product_id)
                number = self.counters.numbers.get(product_id)
                if number is not None:
                    self._pair(key, number)
            self._refresh(np.array(keys, np.int64))

    def leave(self, keys: Sequence[int]) -> None:
        """Let products take part no more; unknown keys are ignored."""
        with self._lock:
            for key in keys:
                if key >= len(self._number_of):
                    continue
                number = self._number_of[key]
                if number >= 0 and self._key_of[number] == key:
                    self._key_of[number] = _NONE
                self._number_of[key] = _NONE
                self._counts[key], self._logs[key] = 0.0, -np.inf
                self._purchased[key] = 0.0
                self._pairs.leave(key)
                self._transitions.leave(key)
            self._largest = self._logs.max()
            self._recent_top = None

    # Reads

    def popularity(self, keys: Keys) -> NDArray[np.float64]:
        """float64 [n]: decayed purchases as shares of the most popular product's, which has 1."""
        with self._lock:
            if self._largest == -np.inf:
                return np.zeros(len(keys))
            return np.exp2(_at(self._logs, keys, -np.inf) - self._largest)

    def popular(self, k: int) -> Keys:
        """Keys of the k most popular products, best first, ties by key."""
        with self._lock:
            keys = np.flatnonzero(self._logs > -np.inf).astype(np.int64)
            return _best(keys, self._logs[keys], k)

    def recent_shares(self, keys: Keys) -> NDArray[np.float64]:
        """float64 [n]: share of the last seven days' baskets that hold each product."""
        return self.counters.recent.shares(_at(self._number_of, keys, _NONE))

    def recently_popular(self, k: int) -> Keys:
        """Keys of the k products in most of the last seven days' baskets, ties by key."""
        with self._lock:
            if self._recent_top is None or len(self._recent_top) < k:
                numbers, counts = self.counters.recent.counts()
                keys = _at(self._key_of, numbers, _NONE)
                self._recent_top = _best(keys[keys >= 0], counts[keys >= 0], k)
            return self._recent_top[:k]

    def baskets(self, keys: Keys) -> NDArray[np.float64]:
        """Baskets [n] with each product, in the artifact's history and since."""
        return _at(self._purchased, keys, 0.0)

    def most_baskets(self) -> float:
        """Baskets with the product that is in most, in the artifact's history and since."""
        return float(self._purchased.max())

    def most_bought(self, k: int) -> Keys:
        """Keys of the k products in most baskets of all time, ties by key."""
        with self._lock:
            keys = np.flatnonzero(self._purchased > 0).astype(np.int64)
            return _best(keys, self._purchased[keys], k)

    def repurchase_rates(self, keys: Keys) -> NDArray[np.float64]:
        """float64 [n]: share of each product's purchases that were not the shopper's first."""
        return self.counters.repurchases.rates(_at(self._number_of, keys, _NONE))

    def log_repurchase_days(self, keys: Keys) -> NDArray[np.float64]:
        """float64 [n]: logarithm of the days that shoppers typically wait to buy each again."""
        return self.counters.repurchases.log_intervals(_at(self._number_of, keys, _NONE))

    @property
    def newest_purchase_us(self) -> int:
        """Time of the newest purchase of the events; 0 without any."""
        return self.counters.repurchases.newest_us

    def neighbours(self, key: int, k: int) -> tuple[Keys, NDArray[np.float64]]:
        """Keys of products bought with one, and baskets with both, in the history and since.

        At most the k most frequent of each.
        """
        before, before_counts = self._pairs.neighbours(key, k)
        since, since_counts = self._since(key, k)
        if not len(since):
            return before, before_counts
        keys = np.union1d(before, since).astype(np.int64)
        counts = np.zeros(len(keys))
        counts[np.searchsorted(keys, before)] += before_counts
        counts[np.searchsorted(keys, since)] += since_counts
        return keys, counts

    def recent_baskets(self) -> RecentBaskets | None:
        """The baskets of the last weeks; None where they are not kept."""
        if self.counters.log is None:
            return None
        held = self.counters.log.held()
        return RecentBaskets(held.times_us, held.starts, _at(self._key_of, held.numbers, _NONE))

    def successors(self, key: int) -> tuple[Keys, NDArray[np.float64], float]:
        """What follows a product in shoppers' histories, in the artifact's history and since.

        Returns:
            Keys [n] ascending, decayed counts [n], and the sum of all counts, with those of
            products that the catalogue lacks.
        """
        before, before_counts, total = self._transitions.row(key)
        counter = self.counters.transitions
        number = int(_at(self._number_of, np.array([key]), _NONE)[0])
        if counter is None or number < 0:
            order = np.argsort(before)
            return before[order], before_counts[order], total
        numbers, since_counts, since_total = counter.row(number)
        since = _at(self._key_of, numbers, _NONE)
        since, since_counts = since[since >= 0], since_counts[since >= 0]
        keys = np.union1d(before, since).astype(np.int64)
        counts = np.zeros(len(keys))
        counts[np.searchsorted(keys, before)] += before_counts
        counts[np.searchsorted(keys, since)] += since_counts
        return keys, counts, total + since_total

    def _since(self, key: int, k: int) -> tuple[Keys, NDArray[np.float64]]:
        number = int(_at(self._number_of, np.array([key]), _NONE)[0])
        if number < 0:
            return np.zeros(0, np.int64), np.zeros(0)
        numbers, counts = self.counters.baskets.neighbours(number)
        keys = _at(self._key_of, numbers, _NONE)
        present = keys >= 0
        keys, counts = keys[present], counts[present]
        order = np.lexsort((keys, -counts))[:k]
        return keys[order], counts[order]

    def _pair(self, key: int, number: int) -> None:
        self._grow_keys(key)
        if number >= len(self._key_of):
            self._key_of = _grown(self._key_of, number, _NONE)
        self._number_of[key], self._key_of[number] = number, key

    def _grow_keys(self, key: int) -> None:
        if key >= len(self._number_of):
            self._number_of = _grown(self._number_of, key, _NONE)
            self._counts = _grown(self._counts, key, 0.0)
            self._purchased = _grown(self._purchased, key, 0.0)
            self._times_us = _grown(self._times_us, key, 0)
            self._logs = _grown(self._logs, key, -np.inf)

    def _refresh(self, keys: Keys) -> None:
        """Popularity of these: what events count, and what only the artifact's history counts."""
        if not len(keys):
            return
        self._recent_top = None
        numbers = self._number_of[keys]
        bought = numbers >= 0
        logs, covered = np.full(len(keys), -np.inf), np.zeros(len(keys))
        counted = numbers[bought].tolist()
        logs[bought] = self.counters.popularity.logs(counted)
        covered[bought] = self.counters.covered(counted)
        self._purchased[keys] = self._counts[keys] + self.counters.baskets.counts(numbers)
        times_us = self._times_us[keys]
        past = self._counts[keys] - covered
        before = self._logs[keys].max()
        self._logs[keys] = np.logaddexp2(logs, self._history.logs(past, times_us))
        if self._logs[keys].max() >= self._largest:
            self._largest = self._logs[keys].max()
        elif before == self._largest:
            self._largest = self._logs.max()


def _best(keys: Keys, values: NDArray[_Value], k: int) -> Keys:
    """Keys of the k largest values, ties by key."""
    if len(keys) > k > 0:
        floor = np.partition(values, len(values) - k)[len(values) - k]
        kept = values >= floor  # ties with the k-th stay: the smaller key wins below
        keys, values = keys[kept], values[kept]
    return keys[np.lexsort((keys, -values))][:k]


def _at(values: NDArray[_Value], places: Keys, default: float) -> NDArray[_Value]:
    """values[places]; the default where a place is negative or beyond the end."""
    inside = (places >= 0) & (places < len(values))
    found = np.full(len(places), default, values.dtype)
    found[inside] = values[places[inside]]
    return found


def _grown(values: NDArray[_Value], place: int, default: float) -> NDArray[_Value]:
    """A copy with room for a place and as many again."""
    grown = np.full(max(2 * len(values), place + 1), default, values.dtype)
    grown[: len(values)] = values
    return grown
