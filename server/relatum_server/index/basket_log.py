"""The baskets of the last weeks, whole, to look for those that are like a shopper's."""

import threading
from array import array
from collections import OrderedDict
from dataclasses import dataclass
from itertools import accumulate, pairwise

import msgspec
import numpy as np
from numpy.typing import NDArray

DAY_US = 86_400 * 1_000_000
MAX_BASKETS = 200_000
Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class HeldBaskets:
    """Baskets side by side.

    Attributes:
        times_us: int64 [baskets], when each began.
        starts: int64 [baskets + 1]; basket i holds numbers[starts[i] : starts[i + 1]].
        numbers: int64, products by number, each once a basket.
    """

    times_us: Numbers
    starts: Numbers
    numbers: Numbers


class LogState(msgspec.Struct, frozen=True):
    """The log as it is saved, arrays in native byte order.

    Attributes:
        newest_us: time of the newest purchase.
        names: int64 [baskets], first written first.
        times_us: int64 [baskets].
        sizes: int32 [baskets].
        numbers: int32, basket after basket.
    """

    newest_us: int
    names: bytes
    times_us: bytes
    sizes: bytes
    numbers: bytes


class BasketLog:
    """Baskets of so many days before the newest purchase, at most 200,000.

    The newest purchase, not the clock, is the end: a shop that was closed keeps its last weeks. One
    writer; readers from any thread.
    """

    def __init__(self, days: float) -> None:
        self._window_us = int(days * DAY_US)
        self._times: OrderedDict[int, int] = OrderedDict()
        self._numbers: dict[int, array[int]] = {}
        self._newest_us = 0
        self._held: HeldBaskets | None = None
        self._lock = threading.Lock()

    @property
    def newest_us(self) -> int:
        """Time of the newest purchase; 0 without any."""
        return self._newest_us

    def add(self, number: int, basket: int, time_us: int) -> None:
        """A product in a basket."""
        if time_us < self._newest_us - self._window_us:
            return
        with self._lock:
            self._held = None
            self._newest_us = max(self._newest_us, time_us)
            numbers = self._numbers.get(basket)
            if numbers is None:
                self._numbers[basket] = array("i", (number,))
                self._times[basket] = time_us
                self._drop_old()
                return
            if number not in numbers:
                numbers.append(number)
            self._times[basket] = min(self._times[basket], time_us)

    def held(self) -> HeldBaskets:
        """The baskets of the window; made again after a write."""
        with self._lock:
            if self._held is None:
                names = [n for n, time_us in self._times.items() if self._inside(time_us)]
                parts = [self._numbers[name] for name in names]
                sizes = np.fromiter(map(len, parts), np.int64, len(parts))
                self._held = HeldBaskets(
                    np.array([self._times[name] for name in names], np.int64),
                    np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
                    np.frombuffer(b"".join(parts), np.int32).astype(np.int64),
                )
            return self._held

    def save(self) -> LogState:
        """Everything; the caller holds writes back."""
        parts = [self._numbers[name] for name in self._times]
        return LogState(
            self._newest_us,
            array("q", self._times.keys()).tobytes(),
            array("q", self._times.values()).tobytes(),
            array("i", map(len, parts)).tobytes(),
            b"".join(parts),
        )

    @classmethod
    def load(cls, state: LogState, days: float) -> "BasketLog":
        """The log that was saved of as many days."""
        log = cls(days)
        log._newest_us = state.newest_us
        names, times = array("q", state.names), array("q", state.times_us)
        numbers = array("i", state.numbers)
        ends = accumulate(array("i", state.sizes), initial=0)
        log._times.update(zip(names, times, strict=True))
        log._numbers = {
            name: numbers[start:end]
            for name, (start, end) in zip(names, pairwise(ends), strict=True)
        }
        return log

    def _inside(self, time_us: int) -> bool:
        return time_us >= self._newest_us - self._window_us

    def _drop_old(self) -> None:
        """Forget the baskets written first, where they left the window or are too many."""
        while self._times:
            name, time_us = next(iter(self._times.items()))
            if self._inside(time_us) and len(self._times) <= MAX_BASKETS:
                break
            del self._times[name], self._numbers[name]
