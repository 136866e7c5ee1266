"""How many of the true neighbours a graph on disk finds; measured in a process of its own."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from relatum_server.index.usearch import UsearchIndex

K = 10
QUERIES = 200
_BLOCK = 16_384


# What usearch and numpy raise over a damaged graph, where they do not end the process.
_DAMAGE = (BrokenProcessPool, ArithmeticError, LookupError, MemoryError, RuntimeError, ValueError)


class UnreadableGraphError(Exception):
    """A graph cannot be read, or reading it ended the process."""


def recall(path: Path, keys: NDArray[np.int64], vectors: NDArray[np.float16]) -> float:
    """Share of the ten nearest that the graph finds, ties counted as found, of 200 vectors.

    A damaged graph ends the process that opens it: not this one.

    Args:
        path: a graph that `UsearchIndex.save` wrote.
        keys: int64 [n], of vectors that the graph should hold.
        vectors: half floats [n, d].

    Raises:
        UnreadableGraphError: it cannot be read, or opening it ended the process.
    """
    if not len(keys):
        return 1.0
    rng = np.random.default_rng(0)
    rows = rng.choice(len(keys), min(QUERIES, len(keys)), replace=False)
    queries = vectors[rows].astype(np.float32)
    context = multiprocessing.get_context("spawn")  # gRPC may be loaded here
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        try:
            found = pool.submit(_search, path, queries).result()
        except _DAMAGE as error:
            raise UnreadableGraphError(f"{path}: {error}") from error
    least = _least_of_best(queries, vectors)
    position = {key: row for row, key in enumerate(keys.tolist())}
    hits = wanted = 0
    for query, near, bound in zip(queries, found, least, strict=True):
        known = [position[key] for key in near if key in position]
        scores = vectors[known].astype(np.float32) @ query
        hits += min(K, int(np.count_nonzero(scores >= bound - 1e-3)))
        wanted += min(K, len(keys))
    return hits / wanted


def _least_of_best(
    queries: NDArray[np.float32], vectors: NDArray[np.float16]
) -> NDArray[np.float32]:
    """Of each query the product with its tenth nearest, float32 [queries]."""
    best = np.full((len(queries), 0), -np.inf, np.float32)
    for start in range(0, len(vectors), _BLOCK):
        scores = queries @ vectors[start : start + _BLOCK].astype(np.float32).T
        best = -np.sort(-np.concatenate([best, scores], axis=1), axis=1)[:, :K]
    return np.asarray(best[:, -1], np.float32)


def _search(path: Path, queries: NDArray[np.float32]) -> list[list[int]]:
    """Runs in the other process."""
    index = UsearchIndex(queries.shape[1])
    index.load(path)
    return [index.search(query, K).keys.tolist() for query in queries]
