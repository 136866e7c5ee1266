"""Which products the last seven days' baskets hold."""

import heapq
import threading
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_DAY_US = 86_400 * 1_000_000
DAYS = 7


class RecentBaskets:
    """Baskets with each product, over the seven days that end with the newest purchase.

    The newest purchase, not the clock, is the end: a shop that was closed keeps what was popular.
    Events may come in any order; those older than the window are ignored.
    """

    def __init__(self) -> None:
        self._days: dict[int, set[tuple[str, int]]] = {}
        self._baskets: dict[int, set[str]] = {}
        self._counts: Counter[int] = Counter()
        self._total = 0
        self._last_day = -(2**62)
        self._top: list[int] | None = None
        self._lock = threading.Lock()

    def add(self, key: int, basket: str, time_us: int) -> None:
        """A product in a basket."""
        day = time_us // _DAY_US
        with self._lock:
            if day <= self._last_day - DAYS:
                return
            if day > self._last_day:
                self._last_day = day
                self._prune()
            lines = self._days.setdefault(day, set())
            if (basket, key) in lines:
                return
            lines.add((basket, key))
            self._counts[key] += 1
            baskets = self._baskets.setdefault(day, set())
            if basket not in baskets:
                baskets.add(basket)
                self._total += 1
            self._top = None

    def remove(self, key: int) -> None:
        """Forget a product."""
        with self._lock:
            if self._counts.pop(key, 0):
                for lines in self._days.values():
                    lines.difference_update([line for line in lines if line[1] == key])
                self._top = None

    def shares(self, keys: NDArray[np.int64]) -> NDArray[np.float64]:
        """float64 [n]: share of the window's baskets that hold each product."""
        with self._lock:
            counts = [self._counts.get(key, 0) for key in keys.tolist()]
            total = self._total
        return np.array(counts, np.float64) / max(total, 1)

    def top(self, k: int) -> Sequence[int]:
        """Keys of the k products in most baskets, ties by key."""
        with self._lock:
            if self._top is None or len(self._top) < k:
                self._top = heapq.nsmallest(
                    k, self._counts, key=lambda key: (-self._counts[key], key)
                )
            return self._top[:k]

    def _prune(self) -> None:
        for day in [day for day in self._days if day <= self._last_day - DAYS]:
            for _, key in self._days.pop(day):
                self._counts[key] -= 1
                if self._counts[key] <= 0:
                    del self._counts[key]
            self._total -= len(self._baskets.pop(day, ()))
        self._top = None
