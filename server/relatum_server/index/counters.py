"""Counts that follow the events: popularity that decays, baskets, queries."""

import bisect
import math
import threading
import unicodedata
from collections import Counter, OrderedDict, deque
from collections.abc import Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.int64]
HALF_LIFE_US = 7 * 86_400 * 1_000_000
MAX_BASKET = 64
MAX_BASKETS = 200_000
COUNTED_BASKETS = 1000


class PopularityCounter:
    """Purchases that decay with a half-life of seven days.

    Each count is kept as its logarithm at a fixed epoch, so that time passing changes no entry and
    events may come in any order.
    """

    def __init__(self) -> None:
        self._logs: dict[int, float] = {}
        self._largest = -math.inf
        self._lock = threading.Lock()

    def add(self, key: int, weight: float, time_us: int) -> None:
        """Count purchases of a product at a time; weights of 0 or less count nothing."""
        if not 0 < weight < math.inf:
            return
        log = math.log2(weight) + time_us / HALF_LIFE_US
        with self._lock:
            old = self._logs.get(key)
            if old is not None:
                high, low = max(old, log), min(old, log)
                log = high + math.log2(1.0 + 2.0 ** (low - high))
            self._logs[key] = log
            self._largest = max(self._largest, log)

    def remove(self, key: int) -> None:
        """Forget a product."""
        with self._lock:
            if self._logs.pop(key, None) == self._largest:
                self._largest = max(self._logs.values(), default=-math.inf)

    def scores(self, keys: Keys) -> NDArray[np.float64]:
        """float64 [n]: decayed counts as shares of the most popular product's, which has 1.

        0 where nothing is known.
        """
        with self._lock:
            logs = np.array([self._logs.get(key, -math.inf) for key in keys.tolist()], np.float64)
            largest = self._largest
        return np.exp2(logs - largest) if largest > -math.inf else np.zeros(len(keys))

    def top(self, k: int) -> Sequence[int]:
        """Keys of the k most popular products, best first, ties by key."""
        with self._lock:
            keys = np.fromiter(self._logs.keys(), np.int64, len(self._logs))
            logs = np.fromiter(self._logs.values(), np.float64, len(self._logs))
        if len(keys) > k > 0:
            floor = np.partition(logs, len(logs) - k)[len(logs) - k]
            kept = logs >= floor  # ties with the k-th stay: the smaller key wins below
            keys, logs = keys[kept], logs[kept]
        found: list[int] = keys[np.lexsort((keys, -logs))][:k].tolist()
        return found


class CoPurchaseCounter:
    """Baskets written here, by product; the newest 200,000 baskets take further products.

    Pairs are counted when they are asked for: a basket of n products is n entries to write, not
    n^2, and a start counts every basket again.
    """

    def __init__(self) -> None:
        self._baskets: OrderedDict[str, list[int]] = OrderedDict()
        self._with: dict[int, deque[list[int]]] = {}
        self._counts: dict[int, int] = {}
        self._seen = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return self._seen

    def add(self, basket: str, key: int) -> None:
        """Put a product into a basket; the 65th of a basket and later ones are not counted."""
        with self._lock:
            items = self._baskets.get(basket)
            if items is None:
                items = self._baskets[basket] = []
                self._seen += 1
                if len(self._baskets) > MAX_BASKETS:
                    self._baskets.popitem(last=False)
            if len(items) >= MAX_BASKET or key in items:
                return
            self._counts[key] = self._counts.get(key, 0) + 1
            kept = self._with.get(key)
            if kept is None:
                kept = self._with[key] = deque(maxlen=COUNTED_BASKETS)
            kept.append(items)
            items.append(key)

    def remove(self, key: int) -> None:
        """Forget a product."""
        with self._lock:
            self._counts.pop(key, None)
            self._with.pop(key, None)

    def neighbours(self, key: int, k: int) -> tuple[Keys, NDArray[np.float64]]:
        """Keys of the k products in most baskets with this one, and how many those are.

        Of a product in more than 1,000 baskets the newest 1,000 are counted, and the counts are
        scaled to all of them.
        """
        with self._lock:
            kept = self._with.get(key)
            if not kept:
                return np.zeros(0, np.int64), np.zeros(0, np.float64)
            together = Counter(chain.from_iterable(kept))
            del together[key]
            pairs = [(other, n) for other, n in together.items() if other in self._counts]
            scale = self._counts[key] / len(kept)
        pairs.sort(key=lambda pair: (-pair[1], pair[0]))
        return (
            np.array([other for other, _ in pairs[:k]], np.int64),
            np.array([count * scale for _, count in pairs[:k]], np.float64),
        )

    def baskets(self, keys: Keys) -> NDArray[np.float64]:
        """Baskets [n] with each product."""
        with self._lock:
            return np.array([self._counts.get(key, 0) for key in keys.tolist()], np.float64)


class QueryLog:
    """Words searched for. A query is suggested once two shoppers used it: one may be a secret."""

    MIN_SHOPPERS = 2

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._first: dict[str, str] = {}
        self._public: list[str] = []
        self._known: set[str] = set()
        self._lock = threading.Lock()

    def add(self, query: str, shopper: str) -> None:
        """Count a search by a (hashed) shopper; "" is nobody, who counts for no suggestion."""
        words = _normalise(query)
        if not words:
            return
        with self._lock:
            self._counts[words] += 1
            if not shopper:
                return
            first = self._first.setdefault(words, shopper)
            if first != shopper and words not in self._known:
                self._known.add(words)
                bisect.insort(self._public, words)

    def complete(self, prefix: str, k: int) -> Sequence[tuple[str, int]]:
        """Queries of at least two shoppers that begin so, and their counts, most frequent first."""
        start = _normalise(prefix)
        with self._lock:
            place = bisect.bisect_left(self._public, start)
            found = []
            while place < len(self._public) and self._public[place].startswith(start):
                found.append((self._public[place], self._counts[self._public[place]]))
                place += 1
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))[:k]


def _normalise(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).lower().split())
