"""Why two products belong together: the strongest short paths between them in the graph.

The strength of a path is the probability of arriving at the second product when walking from the
first along it: of a shared value, 1 / (products that have it, without the first); of purchases,
the pair's share of all purchases beside the first. A path over a product in between has the
product of its two shares. So paths of all relations are on one scale, and what is rare says more.

**Source**: random walks over typed paths, Lao and Cohen 2010, Relational retrieval using a
combination of path-constrained random walks, section 3.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from relatum_server.artifact import read_table
from relatum_server.domain import PathStep

BOUGHT_WITH = "bought_with"
FACTS = ("brand", "category", "attribute")
MOST = 3  # paths of a pair


@dataclass(frozen=True, slots=True)
class EvidencePath:
    """A way from one product to another, with its strength in 0..1."""

    steps: tuple[PathStep, ...]
    strength: float


@dataclass(frozen=True, slots=True)
class _Relation:
    """Edges in rows of product.

    Attributes:
        targets: names by number; of `bought_with` the products.
        starts: int64 [products + 1].
        columns: int32, numbers of the targets, row after row.
        counts: int32, purchases of the pair, or products with the value.
    """

    targets: Sequence[str]
    starts: NDArray[np.int64]
    columns: NDArray[np.int32]
    counts: NDArray[np.int32]

    def row(self, row: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Targets and counts of one product."""
        start, end = self.starts[row], self.starts[row + 1]
        return self.columns[start:end], self.counts[start:end]


class KnowledgeGraph:
    """The artifact's edges. Read-only, so safe from any thread."""

    def __init__(self, products: Sequence[str], relations: Mapping[str, _Relation]) -> None:
        """Use `read`."""
        self._products, self._relations = products, relations
        self._row_of = {product: row for row, product in enumerate(products)}

    @classmethod
    def read(cls, path: Path) -> "KnowledgeGraph":
        """Read `graph.parquet` of a verified artifact.

        Raises:
            ArtifactError: not a table of source, relation, target and count.
        """
        table = read_table(path, ["source", "relation", "target", "count"])
        bought = table.filter(pc.equal(table.column("relation"), BOUGHT_WITH))
        names = [*table.column("source").chunks, *bought.column("target").chunks]
        encoded = pa.chunked_array(names, pa.string()).combine_chunks().dictionary_encode()
        products = encoded.dictionary
        relations = {}
        for name in (*FACTS, BOUGHT_WITH):
            part = table.filter(pc.equal(table.column("relation"), name))
            if len(part):
                targets = products
                if name != BOUGHT_WITH:
                    targets = part.column("target").combine_chunks().unique()
                relations[name] = _relation(part, products, targets)
        return cls(products.to_pylist(), relations)

    def paths(
        self, first: str, second: str, known: Callable[[str], bool]
    ) -> tuple[EvidencePath, ...]:
        """The strongest path of each kind, strongest first, at most three.

        Kinds: first -brand- second, -category-, -attribute- (each over one shared value), first
        -bought with- second, first -bought with- x -bought with- second.

        Args:
            first: product to start from.
            second: product to arrive at.
            known: whether the catalogue has a product in between.

        Returns:
            Empty where a product is not in the graph, both are the same, or nothing joins them.
        """
        a, b = self._row_of.get(first), self._row_of.get(second)
        if a is None or b is None or a == b:
            return ()
        found = list(self._shared_values(a, b))
        if BOUGHT_WITH in self._relations:
            found += self._bought(self._relations[BOUGHT_WITH], a, b, known)
        found.sort(key=lambda path: -path.strength)
        return tuple(found[:MOST])

    def _shared_values(self, a: int, b: int) -> Iterator[EvidencePath]:
        for name in FACTS:
            relation = self._relations.get(name)
            if relation is None:
                continue
            columns, counts = relation.row(a)
            shared = np.isin(columns, relation.row(b)[0])
            if not shared.any():
                continue
            at = int(np.argmin(np.where(shared, counts, np.iinfo(np.int32).max)))
            value, count = relation.targets[columns[at]], int(counts[at])
            steps = (
                PathStep(self._products[a], name, value, count),
                PathStep(value, name, self._products[b], count),
            )
            yield EvidencePath(steps, 1.0 / max(count - 1, 1))

    def _bought(
        self, relation: _Relation, a: int, b: int, known: Callable[[str], bool]
    ) -> Iterator[EvidencePath]:
        targets, counts = relation.row(a)
        if not len(targets):
            return
        shares = counts / counts.sum()
        straight = np.flatnonzero(targets == b)
        if len(straight):
            step = self._step(a, b, counts[straight[0]])
            yield EvidencePath((step,), float(shares[straight[0]]))
        best: EvidencePath | None = None
        for x, count, share in zip(targets.tolist(), counts, shares, strict=True):
            further, onward = relation.row(x)
            arrives = np.flatnonzero(further == b)
            if x == b or not len(arrives) or not known(self._products[x]):
                continue
            tail = onward[arrives[0]]
            strength = float(share * tail / onward.sum())
            if best is None or strength > best.strength:
                best = EvidencePath((self._step(a, x, count), self._step(x, b, tail)), strength)
        if best is not None:
            yield best

    def _step(self, a: int, b: int, count: np.int32) -> PathStep:
        return PathStep(self._products[a], BOUGHT_WITH, self._products[b], int(count))


def _relation(part: pa.Table, products: pa.Array, targets: pa.Array) -> _Relation:
    rows = np.asarray(pc.index_in(part.column("source"), products).combine_chunks(), np.int64)
    columns = np.asarray(pc.index_in(part.column("target"), targets).combine_chunks(), np.int32)
    counts = np.asarray(part.column("count").combine_chunks(), np.int32)
    order = np.lexsort((columns, rows))
    starts = np.searchsorted(rows[order], np.arange(len(products) + 1)).astype(np.int64)
    return _Relation(targets.to_pylist(), starts, columns[order], counts[order])
