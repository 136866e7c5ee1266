"""Pairs of items from shoppers' histories: what follows what, and what is bought with what."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from relatum_export.artifact.copurchase import (
    baskets,
    pair_table,
    popularity_table,
    purchases,
)
from relatum_export.corpus.folder import Corpus
from relatum_export.evaluation.transitions import TransitionSettings, decayed_counts
from relatum_export.training.users.histories import FITS

SHRINKAGE = 5.0  # as the server has it: a pair seen once says little


def transition_counts(
    histories: Sequence[NDArray[np.int64]],
    items: int,
    settings: TransitionSettings,
    per_item: int,
) -> sparse.csr_matrix:
    """Decayed counts of ordered pairs, [items, items] float32 CSR, the heaviest of each row."""
    counts = decayed_counts([history.tolist() for history in histories], items, settings)
    return heaviest(counts.astype(np.float32), per_item)


def heaviest(counts: sparse.csr_matrix, per_item: int) -> sparse.csr_matrix:
    """Each row's ``per_item`` heaviest columns, ties by column."""
    found = counts.tocoo()
    order = np.lexsort((found.col, -found.data, found.row))
    row = found.row[order]
    starts = np.searchsorted(row, np.arange(counts.shape[0]))
    kept = order[np.arange(len(row)) - starts[row] < per_item]
    parts = (found.data[kept], (found.row[kept], found.col[kept]))
    return sparse.csr_matrix(parts, counts.shape)


def transition_table(counts: sparse.csr_matrix, items: Sequence[str]) -> pa.Table:
    """The counts as `transitions.parquet`: item_id_a, item_id_b, weight (float32).

    Ordered by a, then falling weight, then b.
    """
    found = counts.tocoo()
    order = np.lexsort((found.col, -found.data, found.row))
    ids = pa.array(items, pa.string())
    return pa.table(
        {
            "item_id_a": ids.take(pa.array(found.row[order])),
            "item_id_b": ids.take(pa.array(found.col[order])),
            "weight": pa.array(found.data[order].astype(np.float32)),
        }
    )


def association_weights(corpus: Corpus, fit: str, items: Sequence[str]) -> sparse.csr_matrix:
    """Cosine of two items' baskets, shrunk, of the pairs in `copurchase.parquet`.

    Args:
        corpus: with events.
        fit: train or train+valid.
        items: ids by position.

    Returns:
        [items, items] float32 CSR, 0 to 1.
    """
    lines = purchases(corpus, FITS[fit])
    if lines.empty:
        return sparse.csr_matrix((len(items), len(items)), dtype=np.float32)
    held = placed_counts(popularity_table(lines), items)
    return associations_of(pair_table(baskets(lines)), held, items)


def associations_of(
    table: pa.Table, held: NDArray[np.float64], items: Sequence[str]
) -> sparse.csr_matrix:
    """The same from the artifact's tables.

    Args:
        table: `copurchase.parquet`.
        held: purchases of each item, float64 [items].
        items: ids by position.

    **Source**: Sarwar et al. 2001, Item-Based Collaborative Filtering, section 3.1.1; shrinkage as
    in Koren and Bell 2011, section 5.4.1.
    """
    place = {item: i for i, item in enumerate(items)}
    first, second = (
        np.array([place.get(item, -1) for item in table.column(name).to_pylist()], np.int64)
        for name in ("item_id_a", "item_id_b")
    )
    known = (first >= 0) & (second >= 0)
    first, second = first[known], second[known]
    together = table.column("count").to_numpy().astype(np.float64)[known]
    both = np.sqrt(np.maximum(held[first], together) * np.maximum(held[second], together))
    share = np.clip(together / (both + SHRINKAGE), 0.0, 1.0).astype(np.float32)
    return sparse.csr_matrix((share, (first, second)), (len(items), len(items)))


def purchase_counts(corpus: Corpus, fit: str, items: Sequence[str]) -> NDArray[np.float64]:
    """Purchases of each item, as `popularity.parquet` has them, float64 [items]."""
    lines = purchases(corpus, FITS[fit])
    return np.zeros(len(items)) if lines.empty else placed_counts(popularity_table(lines), items)


def placed_counts(table: pa.Table, items: Sequence[str]) -> NDArray[np.float64]:
    """The counts of `popularity.parquet` in the order of the catalogue, float64 [items]."""
    columns = (table.column(name).to_pylist() for name in ("item_id", "count"))
    found = dict(zip(*columns, strict=True))
    return np.array([found.get(item, 0) for item in items], np.float64)


def transitions_of(table: pa.Table, items: Sequence[str]) -> sparse.csr_matrix:
    """The counts of `transitions.parquet` among the catalogue's items, float64 CSR."""
    place = {item: i for i, item in enumerate(items)}
    first, second = (
        np.array([place.get(item, -1) for item in table.column(name).to_pylist()], np.int64)
        for name in ("item_id_a", "item_id_b")
    )
    known = (first >= 0) & (second >= 0)
    weights = table.column("weight").to_numpy().astype(np.float64)[known]
    return sparse.csr_matrix((weights, (first[known], second[known])), (len(items), len(items)))
