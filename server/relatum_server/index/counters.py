"""What the events add up to, whatever the catalogue holds: popularity, pairs, repeats, words."""

import hashlib
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from relatum_server.domain import Event, EventType
from relatum_server.index.basket_log import BasketLog, LogState
from relatum_server.index.baskets import BasketState, CoPurchaseCounter
from relatum_server.index.popularity import PopularityCounter
from relatum_server.index.queries import QueryCount, QueryLog
from relatum_server.index.recent import RecentBaskets, RecentState
from relatum_server.index.repurchases import RepurchaseCounter, RepurchaseState
from relatum_server.index.transitions import (
    TransitionCounter,
    TransitionDecay,
    TransitionState,
)


@dataclass(frozen=True, slots=True)
class OptionalCounts:
    """What is counted only where something reads it.

    Attributes:
        transitions: how what follows what decays; None counts it not.
        log_days: for how long whole baskets are kept; 0 keeps none.
    """

    transitions: TransitionDecay | None = None
    log_days: float = 0.0


class CountersState(msgspec.Struct, frozen=True):
    """The counters as they are saved; arrays are in native byte order.

    Attributes:
        product_ids: of every product that was bought, by number.
        logs: float64 [products], see `PopularityCounter`.
        covered: int64 [products], see `EventCounters`.
    """

    product_ids: list[str]
    logs: bytes
    covered: bytes
    baskets: BasketState
    recent: RecentState
    repurchases: RepurchaseState
    queries: list[tuple[str, QueryCount]]
    transitions: TransitionState | None
    log: LogState | None


class EventCounters:
    """A function of the events in the order of the store, and of nothing else that changes.

    Products go by numbers of their own, given at their first purchase, and purchases of a product
    that the catalogue lacks or has lost are counted like any other. So a product may come late,
    leave and return, and what was saved stays right while products are written.

    A purchase that the artifact's history has counted already (`covered`) enters no basket again.
    Its popularity and the wait before it are counted, because the events tell the times that the
    artifact does not; how many such purchases there are is kept, so that the artifact's count can
    be lessened by them.

    One writer at a time; the parts say who may read.
    """

    def __init__(
        self,
        covered_until_us: Mapping[str, int] | None = None,
        optional: OptionalCounts | None = None,
    ) -> None:
        """Start empty.

        Args:
            covered_until_us: by product id, the time of the last purchase in the artifact's
                history.
            optional: what else is counted.
        """
        self.ids: list[str] = []
        self.numbers: dict[str, int] = {}
        self.popularity = PopularityCounter()
        self.baskets = CoPurchaseCounter()
        self.recent = RecentBaskets()
        self.repurchases = RepurchaseCounter()
        self.queries = QueryLog()
        wanted = optional or OptionalCounts()
        decay, days = wanted.transitions, wanted.log_days
        self.transitions = None if decay is None else TransitionCounter(decay)
        self.log = BasketLog(days) if days else None
        self._covered_until_us = covered_until_us or {}
        self._until: list[int] = []
        self._covered: list[int] = []

    def add(self, events: Iterable[Event]) -> set[int]:
        """Count stored events; numbers of the products whose popularity changed."""
        touched: set[int] = set()
        for event in events:
            if event.type is EventType.SEARCH:
                self.queries.add(event.query, event.user)
            elif event.type is EventType.PURCHASE:
                basket = _basket(event)
                time_us = event.time_us
                for item in event.items:
                    number = self._number(item.product_id)
                    touched.add(number)
                    self.popularity.add(number, time_us)
                    self.recent.add(number, basket, time_us)
                    self.repurchases.add(event.user, item.product_id, number, time_us)
                    covered = time_us <= self._until[number]
                    if covered:
                        self._covered[number] += 1
                    else:
                        self.baskets.add(basket, number)
                    if self.log is not None:
                        self.log.add(number, basket, time_us)
                    if self.transitions is not None:
                        self.transitions.add(event.user, number, time_us, covered=covered)
        return touched

    def covered(self, numbers: Sequence[int]) -> NDArray[np.float64]:
        """float64 [n]: purchases of each that the artifact's history has counted too."""
        return np.array([self._covered[number] for number in numbers], np.float64)

    def save(self) -> bytes:
        """Everything, as bytes; the caller holds writes back."""
        state = CountersState(
            self.ids,
            self.popularity.logs(range(len(self.ids))).astype("<f8").tobytes(),
            array("q", self._covered).tobytes(),
            self.baskets.save(),
            self.recent.save(),
            self.repurchases.save(),
            self.queries.save(),
            None if self.transitions is None else self.transitions.save(),
            None if self.log is None else self.log.save(),
        )
        return msgspec.msgpack.encode(state)

    @classmethod
    def load(
        cls,
        saved: bytes,
        covered_until_us: Mapping[str, int],
        optional: OptionalCounts | None = None,
    ) -> "EventCounters":
        """The counters that were saved over the same history, of the same `optional`.

        Raises:
            ValueError: not what `save` gave.
        """
        state = msgspec.msgpack.decode(saved, type=CountersState)
        wanted = optional or OptionalCounts()
        decay, days = wanted.transitions, wanted.log_days
        if (state.transitions is None) != (decay is None) or (state.log is None) != (not days):
            raise ValueError("Expected other optional counts")
        counters = cls(covered_until_us, wanted)
        for product_id in state.product_ids:
            counters._number(product_id)
        counters.popularity = PopularityCounter(np.frombuffer(state.logs, "<f8").tolist())
        counters._covered = array("q", state.covered).tolist()
        counters.baskets = CoPurchaseCounter.load(state.baskets)
        counters.recent = RecentBaskets.load(state.recent)
        counters.repurchases = RepurchaseCounter.load(state.repurchases)
        counters.queries = QueryLog(state.queries)
        if state.transitions is not None and decay is not None:
            counters.transitions = TransitionCounter.load(state.transitions, decay)
        if state.log is not None:
            counters.log = BasketLog.load(state.log, days)
        return counters

    def _number(self, product_id: str) -> int:
        number = self.numbers.get(product_id)
        if number is None:
            number = self.numbers[product_id] = len(self.ids)
            self.ids.append(product_id)
            self._until.append(self._covered_until_us.get(product_id, -(2**63)))
            self._covered.append(0)
        return number


def _basket(event: Event) -> int:
    """What tells baskets apart: the session, else the shopper at a time, else the event.

    64 bits of a hash: of ten million baskets two are taken for one with a probability of 3e-6.
    """
    name = event.session or (f"{event.user}@{event.time_us}" if event.user else event.id)
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)
