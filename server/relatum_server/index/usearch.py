"""Approximate nearest neighbours with USearch, exact where a filter leaves few."""

import threading
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from usearch.index import Index as Graph

from relatum_server.index.base import Hits, Keys, Mask, Vectors
from relatum_server.index.exact import best, check_vectors, is_allowed
from relatum_server.index.vectors import VectorTable

CONNECTIVITY = 16
EXPANSION_ADD = 128
EXPANSION_SEARCH = 128
# A search waits while vectors are added to the same graph: small chunks keep that short.
ADD_CHUNK = 64
BULK_CHUNK = 4096
EXACT_BELOW = 2000
# The last of what a graph fetches are its least certain: a filtered search asks for so many times
# the number that should leave k.
START_OVERFETCH = 3
MAX_OVERFETCH = 64


class UsearchIndex:
    """An `Index`: a USearch graph of half floats beside a table of the same vectors."""

    def __init__(self, dimension: int, *, threads: int = 2) -> None:
        self._threads = threads
        self._graph = _graph(dimension)
        self._table = VectorTable(dimension)
        self._lock = threading.Lock()

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._table.dimension

    def __len__(self) -> int:
        return len(self._table)

    def upsert(self, keys: Keys, vectors: Vectors) -> None:
        """Insert or replace; see `Index.upsert`."""
        check_vectors(vectors, self.dimension)
        chunk = ADD_CHUNK if len(self._table) else BULK_CHUNK
        for start in range(0, len(keys), chunk):
            part, rows = keys[start : start + chunk], vectors[start : start + chunk]
            with self._lock:
                old = part[self._table.present(part)]
                if len(old):
                    self._graph.remove(old.astype(np.uint64), threads=1)
                self._graph.add(
                    part.astype(np.uint64), rows.astype(np.float16), threads=self._threads
                )
                self._table.put(part, rows)

    def remove(self, keys: Keys) -> None:
        """Remove; unknown keys are ignored."""
        with self._lock:
            known = np.unique(keys[self._table.present(keys)])
            if len(known):
                self._graph.remove(known.astype(np.uint64), threads=1)
                self._table.drop(known)

    def search(self, query: Vectors, k: int, *, allowed: Mask | None = None) -> Hits:
        """The k nearest by the graph, with their exact products; see `Index.search`.

        A small index is compared whole. A filter that leaves few is answered by comparing all of
        them; one that leaves many by asking the graph for more, twice as many each time, and at
        last by comparing all.
        """
        count = len(self._table)
        if not count:
            return Hits(np.zeros(0, np.int64), np.zeros(0, np.float32))
        if count <= EXACT_BELOW:  # a graph can lose what stands behind many equal vectors
            return self._compare(query, k, self._allowed_keys(allowed))
        if allowed is None:
            return self._near(query, min(k, count), None, k)
        left = int(np.count_nonzero(allowed))
        if left <= EXACT_BELOW:
            return self._compare(query, k, np.flatnonzero(allowed).astype(np.int64))
        fetch = START_OVERFETCH * k * count // left
        while fetch <= MAX_OVERFETCH * k and fetch < count:
            hits = self._near(query, fetch, allowed, k)
            if len(hits.keys) == k:
                return hits
            fetch *= 2
        return self._compare(query, k, np.flatnonzero(allowed).astype(np.int64))

    def get(self, keys: Keys) -> tuple[Vectors, Mask]:
        """Vectors by key; see `Index.get`."""
        with self._lock:
            return self._table.get(keys)

    def scores(self, query: Vectors, keys: Keys) -> tuple[NDArray[np.float64], Mask]:
        """Inner products of half floats; see `Index.scores`."""
        with self._lock:
            return self._table.scores(query, keys)

    def close(self) -> None:
        """Free the graph. Safe twice."""
        with self._lock:
            self._graph.reset()  # type: ignore[no-untyped-call]

    def keys(self) -> Keys:
        """All keys, int64 [n], in no order."""
        with self._lock:
            return self._table.keys()

    def save(self, path: Path) -> Keys:
        """Write the graph to a file; the keys in it, ascending."""
        with self._lock:
            self._graph.save(str(path))
            return np.sort(self._table.keys())

    def load(self, path: Path) -> None:
        """Read a graph that `save` wrote, verified by the caller: damage crashes the process."""
        with self._lock:
            self._graph.load(str(path))
            keys = np.sort(np.asarray(self._graph.keys[:], np.uint64))
            for start in range(0, len(keys), BULK_CHUNK):
                part = keys[start : start + BULK_CHUNK]
                self._table.put(part.astype(np.int64), np.asarray(self._graph.get(part)))

    def _allowed_keys(self, allowed: Mask | None) -> Keys:
        with self._lock:
            keys = self._table.keys()
        return keys[is_allowed(keys, allowed)]

    def _near(self, query: Vectors, fetch: int, allowed: Mask | None, k: int) -> Hits:
        with self._lock:
            matches = self._graph.search(
                query.astype(np.float16), min(fetch, len(self._table)), threads=1
            )
        keys = np.asarray(matches.keys).astype(np.int64)
        # The graph compares the very half floats of the table: its distances are exact.
        scores = 1.0 - np.asarray(matches.distances)
        if allowed is not None:
            kept = is_allowed(keys, allowed)
            keys, scores = keys[kept], scores[kept]
        return best(keys, scores, k)

    def _compare(self, query: Vectors, k: int, keys: Keys) -> Hits:
        scores, present = self.scores(query, keys)
        return best(keys[present], scores[present], k)


def _graph(dimension: int) -> Graph:
    return Graph(
        ndim=dimension,
        metric="ip",
        dtype="f16",
        connectivity=CONNECTIVITY,
        expansion_add=EXPANSION_ADD,
        expansion_search=EXPANSION_SEARCH,
    )
