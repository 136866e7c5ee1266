"""Whether a history of concurrent reads and writes could have happened one by one, key by key.

Each write has a value of its own. Then a key's history is linearizable if and only if no read
precedes its write, the zones of no two values that were surely current overlap, and no value came
and went within such a zone.

**Source**: Gibbons and Korach 1997, Testing Shared Memories, section 4.
"""

import math
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

NOTHING = ""  # what a key holds before its first write


@dataclass(frozen=True, slots=True)
class Operation:
    """A read or a write of a key's value, from its call to its answer.

    Attributes:
        key: of the product.
        value: written or read; NOTHING for a key that does not exist.
        is_write: else a read.
        begin: monotonic seconds.
        end: the same; infinite for a write whose answer never came.
    """

    key: str
    value: str
    is_write: bool
    begin: float
    end: float


@dataclass
class History:
    """Operations as they are recorded, from any thread."""

    operations: list[Operation] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def write(self, key: str, value: str, call: Callable[[], object]) -> None:
        """Record a write; what `call` raises is raised, and its outcome is unknown."""
        begin, end = time.monotonic(), math.inf
        try:
            call()
            end = time.monotonic()
        finally:
            self._add(Operation(key, value, True, begin, end))

    def read(self, key: str, call: Callable[[], str]) -> None:
        """Record a read; one that fails says nothing."""
        begin = time.monotonic()
        value = call()
        self._add(Operation(key, value, False, begin, time.monotonic()))

    def _add(self, operation: Operation) -> None:
        with self._lock:
            self.operations.append(operation)


@dataclass(frozen=True, slots=True)
class _Zone:
    """When a value was surely current (`begin` < `end`), or could have come and gone unseen."""

    value: str
    begin: float
    end: float
    surely: bool


def violations(operations: Sequence[Operation]) -> list[str]:
    """What could not have happened one by one; empty for a linearizable history."""
    of_key: dict[str, list[Operation]] = defaultdict(list)
    for operation in operations:
        of_key[operation.key].append(operation)
    return [text for key, some in sorted(of_key.items()) for text in _of_key(key, some)]


def _of_key(key: str, operations: Sequence[Operation]) -> list[str]:
    of_value: dict[str, list[Operation]] = defaultdict(list)
    of_value[NOTHING].append(Operation(key, NOTHING, True, -math.inf, -math.inf))
    for operation in operations:
        of_value[operation.value].append(operation)
    found: list[str] = []
    zones: list[_Zone] = []
    for value, some in of_value.items():
        writes = [operation for operation in some if operation.is_write]
        reads = [operation for operation in some if not operation.is_write]
        if not writes:
            found.append(f"{key}: {value!r} was read and never written")
            continue
        if any(read.end < writes[0].begin for read in reads):
            found.append(f"{key}: {value!r} was read before it was written")
        if not reads and writes[0].end == math.inf:
            continue  # a write that was never answered nor seen may not have happened
        first, last = min(o.end for o in some), max(o.begin for o in some)
        surely = first < last
        zones.append(_Zone(value, min(first, last), max(first, last), surely))
    sure = sorted((zone for zone in zones if zone.surely), key=lambda zone: zone.begin)
    for before, after in pairwise(sure):
        if after.begin < before.end:
            found.append(f"{key}: {before.value!r} and {after.value!r} were current at once")
    for zone in zones:
        for current in sure:
            if not zone.surely and current.begin < zone.begin and zone.end < current.end:
                text = f"{zone.value!r} came and went while {current.value!r} was current"
                found.append(f"{key}: {text}")
    return found
