"""Vectors by key in one matrix of half floats, for exact rescoring and exact scans."""

import numkong
import numpy as np
from numpy.typing import NDArray

from relatum_server.index.base import Keys, Mask, Vectors


class VectorTable:
    """Rows are appended and freed; not safe by itself: its index locks."""

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self._row_of = np.full(1024, -1, np.int64)
        self._keys = np.full(1024, -1, np.int64)
        self._rows: NDArray[np.float16] = np.zeros((1024, dimension), np.float16)
        self._free: list[int] = []
        self._used = 0
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def keys(self) -> Keys:
        """All keys, int64 [n]."""
        used = self._keys[: self._used]
        return used[used >= 0]

    def present(self, keys: Keys) -> Mask:
        """Which keys have a vector, bool [n]."""
        return self._rows_of(keys) >= 0

    def put(self, keys: Keys, vectors: Vectors | NDArray[np.float16]) -> None:
        """Insert or replace."""
        if not len(keys):
            return
        largest = int(keys.max())
        if largest >= len(self._row_of):
            grown = np.full(max(2 * len(self._row_of), largest + 1), -1, np.int64)
            grown[: len(self._row_of)] = self._row_of
            self._row_of = grown
        new = keys[self._row_of[keys] < 0]
        rows = self._take(len(new))
        self._row_of[new], self._keys[rows] = rows, new
        self._count += len(new)
        self._rows[self._row_of[keys]] = vectors.astype(np.float16, copy=False)

    def drop(self, keys: Keys) -> None:
        """Remove those that are present."""
        for key in keys.tolist():
            row = self._row_of[key]
            self._row_of[key], self._keys[row] = -1, -1
            self._free.append(int(row))
            self._count -= 1

    def get(self, keys: Keys) -> tuple[Vectors, Mask]:
        """float32 [n, d], zeros where absent, and which are present."""
        rows = self._rows_of(keys)
        present = rows >= 0
        vectors = self._rows[np.maximum(rows, 0)].astype(np.float32)
        vectors[~present] = 0.0
        return vectors, present

    def rows(self, keys: Keys) -> NDArray[np.float16]:
        """Half floats [n, d] of present keys; a view where they lie side by side."""
        rows = self._rows_of(keys)
        if len(rows) and rows[-1] - rows[0] + 1 == len(rows) and (np.diff(rows) == 1).all():
            return self._rows[rows[0] : rows[-1] + 1]
        return self._rows[rows]

    def scores(self, query: Vectors, keys: Keys) -> tuple[NDArray[np.float64], Mask]:
        """Inner products [n] with a query [d], 0 where absent, and which are present.

        The products are taken of half floats as they are, summed in single floats: turning them
        into single floats first costs twenty times as much.
        """
        rows = self._rows_of(keys)
        present = rows >= 0
        values = np.zeros(len(keys))
        if present.any():
            halves = query.astype(np.float16)[np.newaxis]
            values[present] = np.asarray(numkong.cdist(halves, self.rows(keys[present]), "dot"))[0]
        return values, present

    def _rows_of(self, keys: Keys) -> NDArray[np.int64]:
        rows = np.full(len(keys), -1, np.int64)
        inside = (keys >= 0) & (keys < len(self._row_of))
        rows[inside] = self._row_of[keys[inside]]
        return rows

    def _take(self, count: int) -> NDArray[np.int64]:
        """Rows for as many vectors: freed ones first."""
        again = [self._free.pop() for _ in range(min(count, len(self._free)))]
        start, self._used = self._used, self._used + count - len(again)
        more = max(len(self._keys), self._used) - len(self._keys)
        if more:
            more = max(more, len(self._keys))
            self._keys = np.concatenate([self._keys, np.full(more, -1, np.int64)])
            self._rows = np.concatenate([self._rows, np.zeros((more, self.dimension), np.float16)])
        return np.array([*again, *range(start, self._used)], np.int64)
