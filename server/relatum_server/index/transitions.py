"""Which product follows which in shoppers' histories, with a decay per step."""

import hashlib
import threading
from array import array
from collections import OrderedDict
from dataclasses import dataclass
from itertools import accumulate, pairwise

import msgspec
import numpy as np
from numpy.typing import NDArray

MAX_SHOPPERS = 200_000
MAX_ROW = 1024
KEPT_ROW = 512
_FIELDS = 2  # of an event in a tail: its time, and twice its number (plus 1 if covered)
Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TransitionDecay:
    """How a pair of one history is counted.

    Attributes:
        window: pairs at most so many events apart; at least 1.
        step: weight of each further event between the two.
        backwards: weight of the pair turned round.
    """

    window: int
    step: float
    backwards: float


class TransitionState(msgspec.Struct, frozen=True):
    """The counter as it is saved: arrays in native byte order.

    Attributes:
        shoppers: int64 [shoppers], hashes, least lately seen first.
        sizes: int32 [shoppers], events of each tail.
        tails: int64, (time, 2 x number + covered) of each event, tail after tail.
        row_sizes: int32 [products], products that follow each.
        row_numbers: int32, numbers of those, row after row.
        row_weights: float64, their weights.
        sums: float64 [products], sum of each row, with what a long row has dropped.
    """

    shoppers: bytes
    sizes: bytes
    tails: bytes
    row_sizes: bytes
    row_numbers: bytes
    row_weights: bytes
    sums: bytes


class TransitionCounter:
    """Weighted pairs by product number: for an event d after another, step^(d - 1).

    Of a shopper the newest `window` events are kept, of the 200,000 shoppers seen last. An event
    that comes late is put at its place among those. A row of more than 1,024 products is cut to its
    512 heaviest; its sum keeps all. Two events that the artifact's history has counted are not
    counted again as a pair, but what comes after them is. One writer; readers from any thread.
    """

    def __init__(self, decay: TransitionDecay) -> None:
        self._decay = decay
        self._steps = [decay.step**between for between in range(decay.window)]
        self._tails: OrderedDict[int, array[int]] = OrderedDict()
        self._rows: list[dict[int, float]] = []
        self._sums = array("d")
        self._lock = threading.Lock()

    def add(self, user: str, number: int, time_us: int, *, covered: bool) -> None:
        """Count a purchase of a shopper; without one nothing follows anything."""
        if not user:
            return
        with self._lock:
            tail = self._tail(user)
            place = len(tail)
            while place and tail[place - _FIELDS] > time_us:
                place -= _FIELDS
            before = tail[:place][1::_FIELDS][::-1]
            after = tail[place:][1::_FIELDS]
            for weight, other in zip(self._steps, before, strict=False):
                if not (covered and other & 1):
                    self._count(other >> 1, number, weight)
            for weight, other in zip(self._steps, after, strict=False):
                if not (covered and other & 1):
                    self._count(number, other >> 1, weight)
            tail[place:place] = array("q", (time_us, 2 * number + covered))
            del tail[: -_FIELDS * self._decay.window]

    def row(self, number: int) -> tuple[Numbers, NDArray[np.float64], float]:
        """Products that follow one, int64 [n], their weights, and the sum of all weights."""
        with self._lock:
            if not 0 <= number < len(self._rows):
                return np.zeros(0, np.int64), np.zeros(0), 0.0
            row = self._rows[number]
            return (
                np.fromiter(row.keys(), np.int64, len(row)),
                np.fromiter(row.values(), np.float64, len(row)),
                self._sums[number],
            )

    def save(self) -> TransitionState:
        """Everything; the caller holds writes back."""
        return TransitionState(
            array("q", self._tails).tobytes(),
            array("i", (len(tail) // _FIELDS for tail in self._tails.values())).tobytes(),
            b"".join(self._tails.values()),
            array("i", map(len, self._rows)).tobytes(),
            array("i", (other for row in self._rows for other in row)).tobytes(),
            array("d", (weight for row in self._rows for weight in row.values())).tobytes(),
            self._sums.tobytes(),
        )

    @classmethod
    def load(cls, state: TransitionState, decay: TransitionDecay) -> "TransitionCounter":
        """The counter that was saved with the same decay."""
        counter = cls(decay)
        tails = array("q", state.tails)
        ends = accumulate((_FIELDS * n for n in array("i", state.sizes)), initial=0)
        counter._tails.update(
            (name, tails[start:end])
            for name, (start, end) in zip(array("q", state.shoppers), pairwise(ends), strict=True)
        )
        numbers = array("i", state.row_numbers).tolist()
        weights = array("d", state.row_weights).tolist()
        ends = accumulate(array("i", state.row_sizes), initial=0)
        counter._rows = [
            dict(zip(numbers[start:end], weights[start:end], strict=True))
            for start, end in pairwise(ends)
        ]
        counter._sums = array("d", state.sums)
        return counter

    def _tail(self, user: str) -> "array[int]":
        digest = hashlib.blake2b(user.encode(), digest_size=8).digest()
        name = int.from_bytes(digest, "little", signed=True)
        tail = self._tails.get(name)
        if tail is None:
            tail = self._tails[name] = array("q")
            if len(self._tails) > MAX_SHOPPERS:
                self._tails.popitem(last=False)
        else:
            self._tails.move_to_end(name)
        return tail

    def _count(self, first: int, second: int, weight: float) -> None:
        self._put(first, second, weight)
        if self._decay.backwards:
            self._put(second, first, weight * self._decay.backwards)

    def _put(self, first: int, second: int, weight: float) -> None:
        while first >= len(self._rows):
            self._rows.append({})
            self._sums.append(0.0)
        row = self._rows[first]
        row[second] = row.get(second, 0.0) + weight
        self._sums[first] += weight
        if len(row) > MAX_ROW:
            heaviest = sorted(row.items(), key=lambda pair: (-pair[1], pair[0]))[:KEPT_ROW]
            self._rows[first] = dict(heaviest)
