"""The knowledge graph: products, what they are (brand, category, attribute), what goes with them.

Edges lead from a product along a relation to a target. Of `bought_with` the target is a product
and the count is of purchases; of the others the target is a value and the count is of the products
that have it, so that a reader of one edge knows how special the value is.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy import sparse

from relatum_export.artifact.copurchase import baskets, pair_table, purchases
from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.text import ProductText, clean
from relatum_export.errors import InputError
from relatum_export.graph.settings import EdgeSettings
from relatum_export.training.products import Catalogue

BOUGHT_WITH = "bought_with"
FACTS = ("brand", "category", "attribute")
RELATIONS = (*FACTS, BOUGHT_WITH)
CATEGORY_SEPARATOR = " > "
SCHEMA = pa.schema(
    [
        ("source", pa.string()),
        ("relation", pa.string()),
        ("target", pa.string()),
        ("count", pa.int32()),
    ]
)


@dataclass(frozen=True, slots=True)
class Relation:
    """The edges of one relation.

    Attributes:
        targets: one name a column; of ``bought_with`` the products themselves.
        counts: [products, targets] int32 CSR; see the module for what is counted.
    """

    targets: tuple[str, ...]
    counts: sparse.csr_matrix


@dataclass(frozen=True, slots=True)
class KnowledgeGraph:
    """Products and their edges.

    Attributes:
        products: ids, in the catalogue's order: the rows of each relation.
        relations: by name; one without edges is absent.
        row_of: the row of each product.
    """

    products: tuple[str, ...]
    relations: Mapping[str, Relation]
    row_of: Mapping[str, int]

    @classmethod
    def of(cls, products: Sequence[str], relations: Mapping[str, Relation]) -> "KnowledgeGraph":
        """A graph with its products numbered."""
        row_of = {product: row for row, product in enumerate(products)}
        return cls(tuple(products), relations, row_of)

    def table(self) -> pa.Table:
        """The edges as in `graph.parquet`, by source in the catalogue's order, relation, count."""
        parts = []
        sources = pa.array(self.products, pa.string())
        for at, name in enumerate(RELATIONS):
            if name not in self.relations:
                continue
            relation = self.relations[name]
            edges = relation.counts.tocoo()
            order = np.lexsort((edges.col, -edges.data, edges.row))
            part = pa.table(
                {
                    "source": sources.take(pa.array(edges.row[order])),
                    "relation": pa.array([name] * len(order), pa.string()),
                    "target": pa.array(relation.targets, pa.string()).take(
                        pa.array(edges.col[order])
                    ),
                    "count": pa.array(edges.data[order].astype(np.int32)),
                }
            )
            parts.append((edges.row[order], np.full(len(order), at), part))
        if not parts:
            return SCHEMA.empty_table()
        rows, kinds = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
        order = np.lexsort((kinds, rows))  # stable: within a relation the order above stays
        return pa.concat_tables([part for *_, part in parts]).take(pa.array(order)).cast(SCHEMA)

    @classmethod
    def from_table(cls, table: pa.Table) -> "KnowledgeGraph":
        """The inverse of ``table``; products without an edge are not in it.

        Raises:
            InputError: another schema.
        """
        if not table.schema.equals(SCHEMA):
            raise InputError(
                f"a graph has the columns {', '.join(SCHEMA.names)}, not "
                f"{', '.join(table.schema.names)}; run `relatum-export build graph` again"
            )
        frame = table.to_pandas()
        bought = frame["relation"] == BOUGHT_WITH
        products = dict.fromkeys([*frame["source"], *frame.loc[bought, "target"]])
        row_of = {product: row for row, product in enumerate(products)}
        relations = {}
        for name, part in frame.groupby("relation", sort=False):
            targets = list(products) if name == BOUGHT_WITH else list(dict.fromkeys(part["target"]))
            column_of = {target: column for column, target in enumerate(targets)}
            relations[str(name)] = Relation(
                tuple(targets),
                sparse.csr_matrix(
                    (
                        part["count"].to_numpy(np.int32),
                        (part["source"].map(row_of), part["target"].map(column_of)),
                    ),
                    (len(products), len(targets)),
                ),
            )
        return cls.of(tuple(products), relations)


def build_graph(corpus: Corpus, catalogue: Catalogue, settings: EdgeSettings) -> KnowledgeGraph:
    """The graph of a corpus: facts of its products, purchases of its train split."""
    relations = {}
    for name in FACTS:
        values = [sorted(set(_values(product, name, settings))) for product in catalogue.products]
        relation = _fact_relation(values, settings)
        if relation.counts.nnz:
            relations[name] = relation
    bought = _bought_with(corpus, catalogue, settings.pairs_per_item)
    if bought is not None and bought.counts.nnz:
        relations[BOUGHT_WITH] = bought
    return KnowledgeGraph.of(catalogue.ids, relations)


def read_graph(file: Path) -> KnowledgeGraph:
    """Read `graph.parquet`.

    Raises:
        InputError: there is no such file, or it is no graph.
    """
    if not file.is_file():
        raise InputError(f"{file} is missing; make it with `relatum-export build graph`")
    try:
        table = pq.read_table(file)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{file} is damaged ({error}); build the graph again") from error
    return KnowledgeGraph.from_table(table)


def _values(product: ProductText, relation: str, settings: EdgeSettings) -> Iterator[str]:
    if relation == "brand":
        if brand := clean(product.brand):
            yield brand
    elif relation == "category":
        for category in product.categories:
            levels = [clean(level) for level in category.split(CATEGORY_SEPARATOR)]
            for depth in range(len(levels)):  # a shelf within a department is in both
                if path := CATEGORY_SEPARATOR.join(levels[: depth + 1]):
                    yield path
    else:
        for key, values in (product.attributes or {}).items():
            for value in map(clean, values):
                if 0 < len(value) <= settings.max_value_chars:
                    yield f"{key}: {value}"


def _fact_relation(values: list[list[str]], settings: EdgeSettings) -> Relation:
    """Values of too few or too many products left out; the count is of the products."""
    column: dict[str, int] = {}
    columns = np.fromiter(
        (column.setdefault(value, len(column)) for row in values for value in row), np.int64
    )
    rows = np.repeat(np.arange(len(values)), [len(row) for row in values])
    holders = np.bincount(columns, minlength=len(column))
    most = max(settings.min_products, int(settings.max_share * len(values)))
    keep = np.flatnonzero((holders >= settings.min_products) & (holders <= most))
    names = list(column)
    place = np.full(len(names), -1)
    place[keep] = np.arange(len(keep))
    kept = place[columns] >= 0
    counts: NDArray[np.int32] = holders[columns[kept]].astype(np.int32)
    matrix = sparse.csr_matrix(
        (counts, (rows[kept], place[columns[kept]])), (len(values), len(keep))
    )
    return Relation(tuple(names[at] for at in keep), matrix)


def _bought_with(corpus: Corpus, catalogue: Catalogue, per_item: int) -> Relation | None:
    if not (corpus.has("events") and corpus.has("items")):
        return None
    lines = purchases(corpus, ("train",))
    if lines.empty:
        return None
    pairs = pair_table(baskets(lines), per_item=per_item).to_pandas()
    row_of = {item: row for row, item in enumerate(catalogue.ids)}
    pairs = pairs[pairs["item_id_a"].isin(row_of) & pairs["item_id_b"].isin(row_of)]
    at = (pairs["item_id_a"].map(row_of), pairs["item_id_b"].map(row_of))
    size = len(catalogue.ids)
    counts = sparse.csr_matrix((pairs["count"].to_numpy(np.int32), at), (size, size))
    return Relation(catalogue.ids, counts)
