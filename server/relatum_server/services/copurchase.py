"""The artifact's pairs: which products go together, and which follows which."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from relatum_server.artifact import read_table

Counts = NDArray[np.int32 | np.float32]


@dataclass(frozen=True, slots=True)
class PairTable:
    """Directed pairs in rows of item, as the artifact has them.

    Attributes:
        ids: items by number.
        starts: int64 [items + 1]; the pairs of item i are starts[i]..starts[i + 1].
        others: int32 [pairs], numbers of what goes with it, most often first.
        counts: int32 [pairs], baskets with both; or float32 [pairs], decayed counts of successions.
    """

    ids: Sequence[str]
    starts: NDArray[np.int64]
    others: NDArray[np.int32]
    counts: Counts


def read_copurchase(path: Path) -> PairTable:
    """Read `copurchase.parquet` of a verified artifact.

    Raises:
        ArtifactError: not a table of item_id_a, item_id_b and count.
    """
    return _read(path, "count", np.int32)


def read_transitions(path: Path) -> PairTable:
    """Read `transitions.parquet` of a verified artifact.

    Raises:
        ArtifactError: not a table of item_id_a, item_id_b and weight.
    """
    return _read(path, "weight", np.float32)


def _read(path: Path, value: str, dtype: type[np.int32] | type[np.float32]) -> PairTable:
    table = read_table(path, ["item_id_a", "item_id_b", value])
    first = table.column("item_id_a")
    both = pa.chunked_array([*first.chunks, *table.column("item_id_b").chunks], pa.string())
    encoded = both.combine_chunks().dictionary_encode()
    codes = np.asarray(encoded.indices, dtype=np.int32)
    a, b = codes[: len(first)], codes[len(first) :]
    counts: Counts = np.asarray(table.column(value).combine_chunks(), dtype=dtype)
    if not _in_order(a, counts):  # the export writes them so, and sorting takes a second
        order = np.lexsort((b, -counts, a))
        a, b, counts = a[order], b[order], counts[order]
    ids: list[str] = encoded.dictionary.to_pylist()
    starts = np.searchsorted(a, np.arange(len(ids) + 1))
    return PairTable(ids, starts.astype(np.int64), b, counts)


def _in_order(a: NDArray[np.int32], counts: Counts) -> bool:
    """Whether the pairs of each item stand together, most often first."""
    same = a[1:] == a[:-1]
    return bool(((a[1:] > a[:-1]) | (same & (counts[1:] <= counts[:-1]))).all())


class PairPart:
    """The artifact's pairs of those products that the catalogue has."""

    def __init__(self, table: PairTable | None = None) -> None:
        self._table = table
        self._rows = {} if table is None else {i: row for row, i in enumerate(table.ids)}
        self._keys = np.full(len(self._rows), -1, np.int64)
        self._row_of: dict[int, int] = {}

    def __bool__(self) -> bool:
        return self._table is not None

    def join(self, key: int, product_id: str) -> None:
        """Let a product take part."""
        row = self._rows.get(product_id)
        if row is not None:
            self._keys[row] = key
            self._row_of[key] = row

    def leave(self, key: int) -> None:
        """Let a product take part no more."""
        row = self._row_of.pop(key, None)
        if row is not None and self._keys[row] == key:
            self._keys[row] = -1

    def neighbours(self, key: int, k: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Keys of the k products most often bought with one, and baskets with both."""
        row = self._row_of.get(key)
        if row is None or self._table is None:
            return np.zeros(0, np.int64), np.zeros(0)
        start, end = self._table.starts[row], self._table.starts[row + 1]
        keys = self._keys[self._table.others[start:end]]
        present = np.flatnonzero(keys >= 0)[:k]
        return keys[present], self._table.counts[start:end][present].astype(np.float64)

    def row(self, key: int) -> tuple[NDArray[np.int64], NDArray[np.float64], float]:
        """All products of one's pairs, their counts, and the sum with those that are not there."""
        row = self._row_of.get(key)
        if row is None or self._table is None:
            return np.zeros(0, np.int64), np.zeros(0), 0.0
        start, end = self._table.starts[row], self._table.starts[row + 1]
        keys = self._keys[self._table.others[start:end]]
        counts = self._table.counts[start:end].astype(np.float64)
        present = keys >= 0
        return keys[present], counts[present], float(counts.sum())
