"""Which products have a word: two arrays for all, and short lists for what came since."""

import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from relatum_server.index.base import Keys

_LISTED = 50_000  # entries in lists beside a quarter of the arrays', before all become arrays


class Postings:
    """Keys by number of word. One writer; readers from any thread.

    A key stays where it was put: the reader looks whether its product still has the word.
    """

    def __init__(self) -> None:
        self._starts = np.zeros(1, np.int64)
        self._keys = np.zeros(0, np.int32)
        self._recent: dict[int, list[int]] = {}
        self._listed = 0
        self._lock = threading.Lock()

    def add(self, key: int, numbers: Sequence[int]) -> None:
        """Put a key under these words."""
        with self._lock:
            for number in numbers:
                self._recent.setdefault(number, []).append(key)
        self._listed += len(numbers)

    def settle(self) -> None:
        """Lists become arrays where they are many. Readers do not wait for it."""
        if self._listed <= _LISTED + len(self._keys) // 4:
            return
        size = max(len(self._starts) - 1, max(self._recent, default=-1) + 1)
        counts = np.zeros(size, np.int64)
        counts[: len(self._starts) - 1] = np.diff(self._starts)
        settled = np.repeat(np.arange(size), counts)
        recent = [(number, key) for number, keys in self._recent.items() for key in keys]
        pairs = np.array(recent, np.int64).reshape(-1, 2)
        numbers = np.concatenate([settled, pairs[:, 0]])
        keys = np.concatenate([self._keys, pairs[:, 1].astype(np.int32)])
        distinct = np.unique(np.stack([numbers, keys]), axis=1)
        starts = np.searchsorted(distinct[0], np.arange(size + 1)).astype(np.int64)
        with self._lock:
            self._starts, self._keys = starts, distinct[1].astype(np.int32)
            self._recent, self._listed = {}, 0

    def of_rarest(self, numbers: NDArray[np.int64], most: int) -> Keys:
        """Distinct keys, ascending, under the words with the fewest, at most so many in all."""
        with self._lock:
            counted = sorted((self._count(number), number) for number in numbers.tolist())
            found: list[NDArray[np.int64]] = []
            for count, number in counted:
                most -= count
                if most < 0:
                    break
                found.append(self._of(number))
        return np.unique(np.concatenate(found)) if found else np.zeros(0, np.int64)

    def _count(self, number: int) -> int:
        settled = 0
        if number < len(self._starts) - 1:
            settled = int(self._starts[number + 1] - self._starts[number])
        return settled + len(self._recent.get(number, ()))

    def _of(self, number: int) -> NDArray[np.int64]:
        recent = np.array(self._recent.get(number, ()), np.int64)
        if number >= len(self._starts) - 1:
            return recent
        settled = self._keys[self._starts[number] : self._starts[number + 1]]
        return np.concatenate([settled.astype(np.int64), recent])
