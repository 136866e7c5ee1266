"""Which products were bought together, counted from the baskets when it is asked for."""

import threading
from array import array
from collections import OrderedDict
from itertools import accumulate, pairwise

import msgspec
import numpy as np
from numpy.typing import NDArray

MAX_BASKET = 64
MAX_BASKETS = 200_000
COUNTED_BASKETS = 1000
Numbers = NDArray[np.int64]


class BasketState(msgspec.Struct, frozen=True):
    """The counter as it is saved: arrays in native byte order.

    Attributes:
        seen: baskets ever.
        open_names: int64 [open], names of the baskets that take further products, oldest first.
        sizes: int32 [baskets], products of each basket, the open ones first.
        items: int32, numbers of the products, basket after basket.
        counts: int32 [products], baskets with each product.
        kept_sizes: int32 [products], how many of its baskets are kept.
        kept: int32, places of those among the baskets, product after product, oldest first.
    """

    seen: int
    open_names: bytes
    sizes: bytes
    items: bytes
    counts: bytes
    kept_sizes: bytes
    kept: bytes


class CoPurchaseCounter:
    """Baskets by product number; the newest 200,000 baskets take further products.

    A basket of n products is n entries to write, not n^2. Of each product the newest 1,000 baskets
    are kept, which bounds memory and the time to load. One writer; readers from any thread.
    """

    def __init__(self) -> None:
        self._open: OrderedDict[int, array[int]] = OrderedDict()
        self._with: list[list[array[int]]] = []
        self._counts: list[int] = []
        self._seen = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return self._seen

    def add(self, basket: int, number: int) -> None:
        """Put a product into a basket; the 65th of a basket and later ones are not counted."""
        with self._lock:
            items = self._open.get(basket)
            if items is None:
                items = self._open[basket] = array("i")
                self._seen += 1
                if len(self._open) > MAX_BASKETS:
                    self._open.popitem(last=False)
            if len(items) >= MAX_BASKET or number in items:
                return
            while number >= len(self._with):
                self._with.append([])
                self._counts.append(0)
            kept = self._with[number]
            kept.append(items)
            if len(kept) >= 2 * COUNTED_BASKETS:  # not one by one: a list moves what is behind
                del kept[:-COUNTED_BASKETS]
            self._counts[number] += 1
            items.append(number)

    def neighbours(self, number: int) -> tuple[Numbers, NDArray[np.float64]]:
        """Products in a basket with this one, int64 [n] ascending, and in how many baskets.

        Of a product in more than 1,000 baskets the newest 1,000 are counted, and the counts are
        scaled to all of them.
        """
        with self._lock:
            kept = self._with[number][-COUNTED_BASKETS:] if number < len(self._with) else []
            if not kept:
                return np.zeros(0, np.int64), np.zeros(0, np.float64)
            scale = self._counts[number] / len(kept)
            items = np.frombuffer(b"".join(kept), np.int32)
        others, counts = np.unique(items[items != number], return_counts=True)
        return others.astype(np.int64), counts.astype(np.float64) * scale

    def counts(self, numbers: Numbers) -> NDArray[np.float64]:
        """Baskets [n] with each product; 0 for a number of -1 or one that was never bought."""
        with self._lock:
            known = len(self._counts)
            return np.array(
                [self._counts[n] if 0 <= n < known else 0 for n in numbers.tolist()], np.float64
            )

    def save(self) -> BasketState:
        """Everything; the caller holds writes back."""
        places = {id(items): place for place, items in enumerate(self._open.values())}
        baskets = list(self._open.values())
        kept = array("i")
        for holders in self._with:
            for items in holders[-COUNTED_BASKETS:]:
                place = places.setdefault(id(items), len(baskets))
                if place == len(baskets):
                    baskets.append(items)
                kept.append(place)
        return BasketState(
            self._seen,
            array("q", self._open).tobytes(),
            array("i", map(len, baskets)).tobytes(),
            b"".join(baskets),
            array("i", self._counts).tobytes(),
            array("i", (min(len(h), COUNTED_BASKETS) for h in self._with)).tobytes(),
            kept.tobytes(),
        )

    @classmethod
    def load(cls, state: BasketState) -> "CoPurchaseCounter":
        """The counter that was saved."""
        counter = cls()
        names = array("q", state.open_names)
        items, sizes = array("i", state.items), array("i", state.sizes)
        ends = accumulate(sizes, initial=0)
        baskets = [items[start:end] for start, end in pairwise(ends)]
        counter._open.update(zip(names, baskets, strict=False))
        kept = array("i", state.kept).tolist()
        ends = accumulate(array("i", state.kept_sizes), initial=0)
        counter._with = [
            [baskets[place] for place in kept[start:end]] for start, end in pairwise(ends)
        ]
        counter._counts = array("i", state.counts).tolist()
        counter._seen = state.seen
        return counter
