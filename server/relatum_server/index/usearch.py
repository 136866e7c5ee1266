"""Approximate nearest neighbours with USearch, exact where a filter leaves few."""

import threading
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from usearch.index import Index as Graph

from relatum_server.index.base import Hits, Keys, Mask, Vectors
from relatum_server.index.exact import best, check_vectors, is_allowed
from relatum_server.index.growing import Growing
from relatum_server.index.vectors import VectorTable

CONNECTIVITY = 16
EXPANSION_ADD = 128
EXPANSION_SEARCH = 128
# A search waits while vectors are added to the same graph: small chunks keep that short, the larger
# one is for a long queue.
ADD_CHUNK, QUEUE_CHUNK = 16, 64
LONG_QUEUE = 1024
BULK_CHUNK = 4096
# Every search compares all that wait: beyond so many, writers wait for the graph.
MOST_WAITING = 200_000
BREATH_S = 0.0005  # between chunks: a lock that is taken again at once lets nobody in
EXACT_BELOW = 2000
# The last of what a graph fetches are its least certain: a filtered search asks for so many times
# the number that should leave k.
START_OVERFETCH = 3
MAX_OVERFETCH = 64


class UsearchIndex:
    """An `Index`: a USearch graph of half floats beside a table of the same vectors.

    A write is in the table when it returns and enters the graph after it, in a thread of its own:
    searches compare what waits, so that it is found at once and a writer never waits for the graph.
    """

    def __init__(self, dimension: int, *, threads: int = 2) -> None:
        self._threads = threads
        self._graph = _graph(dimension)
        self._table = VectorTable(dimension)
        self._growing = Growing()
        self._lock = threading.Lock()
        self._moved = threading.Condition(self._lock)
        self._builder: threading.Thread | None = None
        self._closed = False

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._table.dimension

    def __len__(self) -> int:
        return len(self._table)

    @property
    def waiting(self) -> int:
        """Vectors that the graph does not hold yet."""
        return len(self._growing)

    def upsert(self, keys: Keys, vectors: Vectors) -> None:
        """Insert or replace; see `Index.upsert`."""
        check_vectors(vectors, self.dimension)
        first = not len(self._table)  # filled before anybody searches: into the graph at once
        for start in range(0, len(keys), BULK_CHUNK):
            part, rows = keys[start : start + BULK_CHUNK], vectors[start : start + BULK_CHUNK]
            with self._lock:
                self._moved.wait_for(lambda: len(self._growing) <= MOST_WAITING or self._closed)
                self._leave_graph(part)
                self._table.put(part, rows)
                self._growing.add(part)
                if first:
                    self._enter_graph(len(part))
                else:
                    self._wake_builder()

    def remove(self, keys: Keys) -> None:
        """Remove; unknown keys are ignored."""
        with self._lock:
            known = np.unique(keys[self._table.present(keys)])
            self._leave_graph(known)
            self._growing.discard(known)
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
            self._closed = True
            self._moved.notify_all()
        if self._builder is not None:
            self._builder.join()
        with self._lock:
            self._graph.reset()  # type: ignore[no-untyped-call]

    def keys(self) -> Keys:
        """All keys, int64 [n], in no order."""
        with self._lock:
            return self._table.keys()

    def save(self, path: Path) -> Keys:
        """Write the graph, with all that waits, to a file; the keys in it, ascending."""
        with self._lock:
            while len(self._growing):
                self._enter_graph(BULK_CHUNK)
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
            held = len(self._table) - len(self._growing)
            keys, scores = np.zeros(0, np.int64), np.zeros(0)
            if held:
                matches = self._graph.search(query.astype(np.float16), min(fetch, held), threads=1)
                keys = np.asarray(matches.keys).astype(np.int64)
                # The graph compares the very half floats of the table: its distances are exact.
                scores = 1.0 - np.asarray(matches.distances).astype(np.float64)
            if len(self._growing):
                waiting = self._growing.keys()
                keys = np.concatenate([keys, waiting])
                scores = np.concatenate([scores, self._table.scores(query, waiting)[0]])
        if allowed is not None:
            kept = is_allowed(keys, allowed)
            keys, scores = keys[kept], scores[kept]
        return best(keys, scores, k)

    def _compare(self, query: Vectors, k: int, keys: Keys) -> Hits:
        scores, present = self.scores(query, keys)
        return best(keys[present], scores[present], k)

    def _leave_graph(self, keys: Keys) -> None:
        """Take what the graph holds of some keys out of it; the caller locks."""
        held = keys[self._table.present(keys) & ~self._growing.holds(keys)]
        if len(held):
            self._graph.remove(held.astype(np.uint64), threads=1)

    def _enter_graph(self, count: int) -> None:
        """Put some that wait into the graph; the caller locks."""
        keys = self._growing.keys()[:count]
        self._graph.add(keys.astype(np.uint64), self._table.rows(keys), threads=self._threads)
        self._growing.discard(keys)
        self._moved.notify_all()

    def _wake_builder(self) -> None:
        """The caller locks."""
        if self._builder is None and not self._closed:
            self._builder = threading.Thread(target=self._build, name="graph-builder", daemon=True)
            self._builder.start()
        self._moved.notify_all()

    def _build(self) -> None:
        while True:
            with self._lock:
                self._moved.wait_for(lambda: len(self._growing) or self._closed)
                if self._closed:
                    return
                self._enter_graph(QUEUE_CHUNK if len(self._growing) > LONG_QUEUE else ADD_CHUNK)
            time.sleep(BREATH_S)


def _graph(dimension: int) -> Graph:
    return Graph(
        ndim=dimension,
        metric="ip",
        dtype="f16",
        connectivity=CONNECTIVITY,
        expansion_add=EXPANSION_ADD,
        expansion_search=EXPANSION_SEARCH,
    )
