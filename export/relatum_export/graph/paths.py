"""Why two products belong together: the strongest short paths between them in the graph.

The strength of a path is the probability of arriving at the second product when walking from the
first along it: of a shared value, 1 / (products that have it, without the first); of purchases,
the pair's share of all purchases beside the first. A path over a product in between has the
product of its two shares. So paths of all relations are on one scale, and what is rare says more.

**Source**: random walks over typed paths, Lao and Cohen 2010, Relational retrieval using a
combination of path-constrained random walks, section 3.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from relatum_export.graph.edges import BOUGHT_WITH, FACTS, KnowledgeGraph, Relation


@dataclass(frozen=True, slots=True)
class Step:
    """One edge of a path, read from ``source`` to ``target``.

    Attributes:
        source: a product, or the value just arrived at.
        relation: as in the graph.
        target: a value or a product.
        count: as in the graph: purchases of the pair, or products with the value.
    """

    source: str
    relation: str
    target: str
    count: int


@dataclass(frozen=True, slots=True)
class Path:
    """A way from one product to another, with its strength in 0..1."""

    steps: tuple[Step, ...]
    strength: float


def paths_between(
    graph: KnowledgeGraph, first: str, second: str, *, limit: int = 3
) -> tuple[Path, ...]:
    """The strongest path of each kind, strongest first; ties in the order of the relations.

    Kinds: first -brand- second, -category-, -attribute- (each over one shared value), first
    -bought with- second, first -bought with- x -bought with- second.

    Args:
        graph: the edges.
        first: product to start from.
        second: product to arrive at.
        limit: paths returned at most.

    Returns:
        Empty where a product is unknown, both are the same, or nothing joins them.
    """
    a, b = graph.row_of.get(first), graph.row_of.get(second)
    if a is None or b is None or a == b:
        return ()
    found = list(_shared_values(graph, a, b))
    if BOUGHT_WITH in graph.relations:
        found += _bought(graph, graph.relations[BOUGHT_WITH], a, b)
    found.sort(key=lambda path: -path.strength)
    return tuple(found[:limit])


def _shared_values(graph: KnowledgeGraph, a: int, b: int) -> Iterator[Path]:
    for name in FACTS:
        relation = graph.relations.get(name)
        if relation is None:
            continue
        columns, counts = _row(relation.counts, a)
        shared = np.isin(columns, _row(relation.counts, b)[0])
        if not shared.any():
            continue
        at = int(np.argmin(np.where(shared, counts, np.iinfo(np.int32).max)))
        value, count = relation.targets[columns[at]], int(counts[at])
        steps = (
            Step(graph.products[a], name, value, count),
            Step(value, name, graph.products[b], count),
        )
        yield Path(steps, 1.0 / max(count - 1, 1))


def _bought(graph: KnowledgeGraph, relation: Relation, a: int, b: int) -> Iterator[Path]:
    targets, counts = _row(relation.counts, a)
    if not len(targets):
        return
    shares = counts / counts.sum()
    straight = np.flatnonzero(targets == b)
    if len(straight):
        at = straight[0]
        step = _bought_step(graph, a, b, counts[at])
        yield Path((step,), float(shares[at]))
    best, over, tail = 0.0, -1, 0
    for x, share in zip(targets, shares, strict=True):
        further, onward = _row(relation.counts, x)
        arrives = np.flatnonzero(further == b)
        if x != b and len(arrives):
            strength = float(share * onward[arrives[0]] / onward.sum())
            if strength > best:
                best, over, tail = strength, int(x), int(onward[arrives[0]])
    if over >= 0:
        head = counts[np.flatnonzero(targets == over)[0]]
        yield Path((_bought_step(graph, a, over, head), _bought_step(graph, over, b, tail)), best)


def _bought_step(graph: KnowledgeGraph, a: int, b: int, count: int) -> Step:
    return Step(graph.products[a], BOUGHT_WITH, graph.products[b], int(count))


def _row(matrix: sparse.csr_matrix, row: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Columns and values of one row, columns ascending."""
    start, stop = matrix.indptr[row], matrix.indptr[row + 1]
    return matrix.indices[start:stop], matrix.data[start:stop]
