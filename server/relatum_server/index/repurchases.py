"""How long shoppers wait before they buy the same product again."""

import hashlib
import math
import threading
from array import array

import msgspec
import numpy as np
from numpy.typing import NDArray

DAY_US = 86_400 * 1_000_000
SAME_TRIP_US = DAY_US // 2
MAX_PAIRS = 1_000_000
PRIOR_DAYS = 30.0
PRIOR_GAPS = 5.0
PRIOR_BUYERS = 10.0
Numbers = NDArray[np.int64]


class RepurchaseState(msgspec.Struct, frozen=True):
    """The counter as it is saved; arrays are in native byte order.

    Attributes:
        newest_us: time of the newest purchase.
        pairs: int64 [pairs], hashes of shopper and product, least lately bought first.
        times_us: int64 [pairs], the last purchase of each.
        gaps: int64 [products], purchases that came after another of the same shopper.
        log_days: float64 [products], sum of the logarithms of those waits in days.
        buyers: int64 [products], shoppers who bought it.
    """

    newest_us: int
    pairs: bytes
    times_us: bytes
    gaps: bytes
    log_days: bytes
    buyers: bytes


class RepurchaseCounter:
    """Waits between a shopper's purchases of one product, summed up by product number.

    Of a wait only its logarithm is added to a sum: the middle of waits, which differ by factors, is
    the exponential of their mean. Purchases less than half a day apart are one trip. The last
    purchase of the million pairs of shopper and product that were bought last is kept; a pair that
    was dropped counts as new. One writer; readers from any thread.
    """

    def __init__(self) -> None:
        self._last: dict[int, int] = {}
        self._gaps = array("q")
        self._log_days = array("d")
        self._buyers = array("q")
        self._newest_us = 0
        self._lock = threading.Lock()

    @property
    def newest_us(self) -> int:
        """Time of the newest purchase; 0 without any."""
        return self._newest_us

    def add(self, user: str, product_id: str, number: int, time_us: int) -> None:
        """Count a purchase; one without a shopper tells the time alone."""
        self._newest_us = max(self._newest_us, time_us)
        if not user:
            return
        pair = _pair(user, product_id)
        with self._lock:
            while number >= len(self._gaps):
                self._gaps.append(0)
                self._log_days.append(0.0)
                self._buyers.append(0)
            last = self._last.pop(pair, None)
            if last is None:
                self._buyers[number] += 1
                self._last[pair] = time_us
                if len(self._last) > MAX_PAIRS:
                    del self._last[next(iter(self._last))]
                return
            self._last[pair] = max(last, time_us)
            wait_us = abs(time_us - last)
            if wait_us >= SAME_TRIP_US:
                self._gaps[number] += 1
                self._log_days[number] += math.log(wait_us / DAY_US)

    def log_intervals(self, numbers: Numbers) -> NDArray[np.float64]:
        """float64 [n]: logarithm of the typical wait in days, shrunk to that of all products.

        A product counts as if it had five more waits of the shop's typical length; the shop as if
        it had five of 30 days. A number of -1 has the shop's.
        """
        with self._lock:
            gaps, sums = self._gaps.tolist(), self._log_days
            shop = (sum(sums) + PRIOR_GAPS * math.log(PRIOR_DAYS)) / (sum(gaps) + PRIOR_GAPS)
            own = [(gaps[n], sums[n]) if 0 <= n < len(gaps) else (0, 0.0) for n in numbers.tolist()]
        return np.array(
            [(total + PRIOR_GAPS * shop) / (count + PRIOR_GAPS) for count, total in own], np.float64
        )

    def rates(self, numbers: Numbers) -> NDArray[np.float64]:
        """float64 [n]: share of a product's purchases that were not the shopper's first, 0..1.

        As if ten more shoppers had bought it once.
        """
        with self._lock:
            known = len(self._gaps)
            return np.array(
                [
                    self._gaps[n] / (self._gaps[n] + self._buyers[n] + PRIOR_BUYERS)
                    if 0 <= n < known
                    else 0.0
                    for n in numbers.tolist()
                ],
                np.float64,
            )

    def save(self) -> RepurchaseState:
        """Everything; the caller holds writes back."""
        return RepurchaseState(
            self._newest_us,
            array("q", self._last.keys()).tobytes(),
            array("q", self._last.values()).tobytes(),
            self._gaps.tobytes(),
            self._log_days.tobytes(),
            self._buyers.tobytes(),
        )

    @classmethod
    def load(cls, state: RepurchaseState) -> "RepurchaseCounter":
        """The counter that was saved."""
        counter = cls()
        counter._newest_us = state.newest_us
        pairs, times = array("q", state.pairs), array("q", state.times_us)
        counter._last = dict(zip(pairs, times, strict=True))
        counter._gaps = array("q", state.gaps)
        counter._log_days = array("d", state.log_days)
        counter._buyers = array("q", state.buyers)
        return counter


def _pair(user: str, product_id: str) -> int:
    """64 bits: of ten million pairs two are taken for one with a probability of 3e-6."""
    digest = hashlib.blake2b(f"{user}\0{product_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)
