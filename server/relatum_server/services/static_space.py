"""Vectors that an artifact brings and that are compared as they are."""

import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from relatum_server.index.base import Hits
from relatum_server.index.exact import best, is_allowed

Keys = NDArray[np.int64]
Mask = NDArray[np.bool_]
Vectors = NDArray[np.float32]
_ABSENT = -1


class StaticSpace:
    """A space of an artifact, for those of its products that the catalogue has.

    Lengths mean something here, so that a graph made for vectors of length 1 would miss some: every
    row is compared. One writer; readers from any thread.
    """

    def __init__(self, ids: Sequence[str], vectors: NDArray[np.float16]) -> None:
        """Take the artifact's ids and vectors, as `load_space` gives them."""
        self._rows = {product_id: row for row, product_id in enumerate(ids)}
        self._vectors = vectors.astype(np.float32)
        self._keys = np.full(len(ids), _ABSENT, np.int64)
        self._row_of: dict[int, int] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._row_of)

    def join(self, keys: Sequence[int], ids: Sequence[str]) -> None:
        """Let products take part, where the artifact has them."""
        with self._lock:
            for key, product_id in zip(keys, ids, strict=True):
                row = self._rows.get(product_id)
                if row is not None:
                    self._keys[row] = key
                    self._row_of[key] = row

    def leave(self, keys: Sequence[int]) -> None:
        """Let products take part no more; unknown keys are ignored."""
        with self._lock:
            for key in keys:
                row = self._row_of.pop(key, None)
                if row is not None and self._keys[row] == key:
                    self._keys[row] = _ABSENT

    def search(self, query: Vectors, k: int, *, allowed: Mask | None = None) -> Hits:
        """The k with the largest inner product with a query [d]; ties by key."""
        with self._lock:
            keys = self._keys.copy()
        there = keys >= 0
        there[there] = is_allowed(keys[there], allowed)
        return best(keys[there], (self._vectors @ query)[there], k)

    def get(self, keys: Keys) -> tuple[Vectors, Mask]:
        """Vectors [n, d] (zeros where absent) and bool [n], which of them are present."""
        with self._lock:
            rows = np.array([self._row_of.get(key, _ABSENT) for key in keys.tolist()], np.int64)
        present = rows >= 0
        found = np.zeros((len(keys), self._vectors.shape[1]), np.float32)
        found[present] = self._vectors[rows[present]]
        return found, present

    def scores(self, query: Vectors, keys: Keys) -> tuple[NDArray[np.float64], Mask]:
        """Inner products [n] with a query [d] (0 where absent) and bool [n], which are present."""
        vectors, present = self.get(keys)
        return (vectors @ query).astype(np.float64), present
