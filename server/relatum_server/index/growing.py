"""Which keys of an index wait to enter its graph."""

import numpy as np

from relatum_server.index.base import Keys, Mask


class Growing:
    """A set of keys, cheap to list in order. Not safe by itself: its index locks."""

    def __init__(self) -> None:
        self._waits: Mask = np.zeros(1024, np.bool_)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, keys: Keys) -> None:
        """Let keys wait; harmless again."""
        largest = int(keys.max()) if len(keys) else -1
        if largest >= len(self._waits):
            grown = np.zeros(max(2 * len(self._waits), largest + 1), np.bool_)
            grown[: len(self._waits)] = self._waits
            self._waits = grown
        self._count += int(np.count_nonzero(~self._waits[keys]))
        self._waits[keys] = True

    def discard(self, keys: Keys) -> None:
        """Let keys wait no more; those that do not are ignored."""
        waiting = keys[self.holds(keys)]
        self._waits[waiting] = False
        self._count -= len(waiting)

    def holds(self, keys: Keys) -> Mask:
        """Which keys wait, bool [n]."""
        known = keys < len(self._waits)
        found = np.zeros(len(keys), np.bool_)
        found[known] = self._waits[keys[known]]
        return found

    def keys(self) -> Keys:
        """All that wait, ascending, int64 [n]."""
        if not self._count:
            return np.zeros(0, np.int64)
        return np.flatnonzero(self._waits).astype(np.int64)
