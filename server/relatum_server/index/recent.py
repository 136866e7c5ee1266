"""Which products the last seven days' baskets hold."""

import threading
from array import array
from collections import Counter

import msgspec
import numpy as np
from numpy.typing import NDArray

_DAY_US = 86_400 * 1_000_000
DAYS = 7
# Of fewer baskets a share says little: the first basket after years of silence would give its
# products a share of 1, more than any shopper's habit weighs. Twenty make it 0.05.
MIN_BASKETS = 20
Numbers = NDArray[np.int64]


class RecentState(msgspec.Struct, frozen=True):
    """The window as it is saved: int32 [lines] days, int64 names of baskets, int32 products."""

    last_day: int
    days: bytes
    baskets: bytes
    numbers: bytes


class RecentBaskets:
    """Baskets with each product, over the seven days that end with the newest purchase.

    The newest purchase, not the clock, is the end: a shop that was closed keeps what was popular.
    Events may come in any order; those older than the window are ignored. One writer; readers from
    any thread.
    """

    def __init__(self) -> None:
        self._days: dict[int, set[tuple[int, int]]] = {}
        self._baskets: dict[int, set[int]] = {}
        self._counts: Counter[int] = Counter()
        self._total = 0
        self._last_day = -(2**31)
        self._lock = threading.Lock()

    def add(self, number: int, basket: int, time_us: int) -> None:
        """A product in a basket."""
        day = time_us // _DAY_US
        if day <= self._last_day - DAYS:
            return
        with self._lock:
            if day > self._last_day:
                self._last_day = day
                self._prune()
            self._put(day, basket, number)

    def shares(self, numbers: Numbers) -> NDArray[np.float64]:
        """float64 [n]: share of the window's baskets, at least 20, that hold each product."""
        with self._lock:
            counts = [self._counts.get(number, 0) for number in numbers.tolist()]
            total = self._total
        return np.array(counts, np.float64) / max(total, MIN_BASKETS)

    def counts(self) -> tuple[Numbers, NDArray[np.int64]]:
        """The window's products, int64 [n] in no order, and in how many baskets each is."""
        with self._lock:
            size = len(self._counts)
            return (
                np.fromiter(self._counts.keys(), np.int64, size),
                np.fromiter(self._counts.values(), np.int64, size),
            )

    def save(self) -> RecentState:
        """Everything; the caller holds writes back."""
        days, baskets, numbers = array("i"), array("q"), array("i")
        for day, held in sorted(self._days.items()):
            lines = sorted(held)  # the same window is the same bytes
            days.extend([day] * len(lines))
            baskets.extend(basket for basket, _ in lines)
            numbers.extend(number for _, number in lines)
        return RecentState(self._last_day, days.tobytes(), baskets.tobytes(), numbers.tobytes())

    @classmethod
    def load(cls, state: RecentState) -> "RecentBaskets":
        """The window that was saved."""
        recent = cls()
        recent._last_day = state.last_day
        lines = zip(
            array("i", state.days),
            array("q", state.baskets),
            array("i", state.numbers),
            strict=True,
        )
        for day, basket, number in lines:
            recent._put(day, basket, number)
        return recent

    def _put(self, day: int, basket: int, number: int) -> None:
        lines = self._days.setdefault(day, set())
        if (basket, number) in lines:
            return
        lines.add((basket, number))
        self._counts[number] += 1
        baskets = self._baskets.setdefault(day, set())
        if basket not in baskets:
            baskets.add(basket)
            self._total += 1

    def _prune(self) -> None:
        for day in [day for day in self._days if day <= self._last_day - DAYS]:
            for _, number in self._days.pop(day):
                self._counts[number] -= 1
                if self._counts[number] <= 0:
                    del self._counts[number]
            self._total -= len(self._baskets.pop(day, ()))
