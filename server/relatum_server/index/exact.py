"""The oracle: every vector is compared."""

import threading

import numpy as np
from numpy.typing import NDArray

from relatum_server.errors import InvalidArgumentError
from relatum_server.index.base import Hits, Keys, Mask, Vectors


def check_vectors(vectors: Vectors, dimension: int) -> None:
    """Refuse what poisons an index: a wrong length, NaN, infinity, zero."""
    if vectors.ndim != 2 or vectors.shape[1] != dimension:  # noqa: PLR2004 - rows and columns
        raise InvalidArgumentError("vectors", f"shape {vectors.shape}, not [n, {dimension}]")
    lengths = np.linalg.norm(vectors, axis=1)
    if not np.isfinite(lengths).all() or not (lengths > 0).all():
        raise InvalidArgumentError("vectors", "a vector is not finite or is zero")


def is_allowed(keys: Keys, allowed: Mask | None) -> Mask:
    """Which keys a mask allows, bool [n]; those beyond its length are not."""
    if allowed is None:
        return np.ones(len(keys), np.bool_)
    inside = keys < len(allowed)
    result = np.zeros(len(keys), np.bool_)
    result[inside] = allowed[keys[inside]]
    return result


def best(keys: Keys, scores: np.ndarray, k: int) -> Hits:
    """The k best, ties by key."""
    if len(keys) > 4 * k:
        part = np.argpartition(-scores, k - 1)[:k]
        # ties with the k-th are all kept, so that the smaller key wins below
        part = np.flatnonzero(scores >= scores[part].min())
        keys, scores = keys[part], scores[part]
    order = np.lexsort((keys, -scores))[:k]
    return Hits(keys[order], scores[order].astype(np.float32))


class ExactIndex:
    """An `Index` over one matrix [capacity, d], a row a key slot."""

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self._rows: dict[int, int] = {}
        self._keys = np.full(64, -1, np.int64)
        self._vectors = np.zeros((64, dimension), np.float32)
        self._free: list[int] = []
        self._used = 0
        self._lock = threading.Lock()

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._dimension

    def __len__(self) -> int:
        return len(self._rows)

    def upsert(self, keys: Keys, vectors: Vectors) -> None:
        """Insert or replace; see `Index.upsert`."""
        check_vectors(vectors, self._dimension)
        with self._lock:
            for key, vector in zip(keys.tolist(), vectors, strict=True):
                row = self._rows.get(key)
                if row is None:
                    row = self._free.pop() if self._free else self._grow()
                    self._rows[key] = row
                    self._keys[row] = key
                self._vectors[row] = vector

    def remove(self, keys: Keys) -> None:
        """Remove; unknown keys are ignored."""
        with self._lock:
            for key in keys.tolist():
                row = self._rows.pop(key, None)
                if row is not None:
                    self._keys[row] = -1
                    self._free.append(row)

    def search(self, query: Vectors, k: int, *, allowed: Mask | None = None) -> Hits:
        """The k nearest; see `Index.search`."""
        with self._lock:
            rows = np.flatnonzero(self._keys[: self._used] >= 0)
            keys = self._keys[rows]
            kept = is_allowed(keys, allowed)
            rows, keys = rows[kept], keys[kept]
            scores = self._vectors[rows] @ query.astype(np.float32)
        return best(keys, scores, k)

    def get(self, keys: Keys) -> tuple[Vectors, Mask]:
        """Vectors by key; see `Index.get`."""
        with self._lock:
            rows = np.array([self._rows.get(key, -1) for key in keys.tolist()], np.int64)
            present = rows >= 0
            vectors = np.zeros((len(keys), self._dimension), np.float32)
            vectors[present] = self._vectors[rows[present]]
        return vectors, present

    def scores(self, query: Vectors, keys: Keys) -> tuple[NDArray[np.float64], Mask]:
        """Inner products by key; see `Index.scores`."""
        vectors, present = self.get(keys)
        return (vectors @ query.astype(np.float32)).astype(np.float64), present

    def close(self) -> None:
        """Nothing to free but memory. Safe twice."""

    def _grow(self) -> int:
        if self._used == len(self._keys):
            more = len(self._keys)
            self._keys = np.concatenate([self._keys, np.full(more, -1, np.int64)])
            self._vectors = np.concatenate(
                [self._vectors, np.zeros((more, self._dimension), np.float32)]
            )
        self._used += 1
        return self._used - 1
