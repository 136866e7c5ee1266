"""Which weighing of pairs gives the best complement vectors, measured on a corpus's valid split."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from relatum_export.artifact.copurchase import Baskets, baskets, purchases
from relatum_export.console import Reporter
from relatum_export.corpus.folder import Corpus
from relatum_export.evaluation.rows import Outcome
from relatum_export.graph.complement import (
    ComplementVectors,
    candidates,
    complement_vectors,
    pair_counts,
)
from relatum_export.graph.measures import Measure, matrix_scores, vector_scores
from relatum_export.graph.settings import GraphSettings


@dataclass(frozen=True, slots=True)
class Complements:
    """What came of it.

    Attributes:
        vectors: None where the corpus cannot give any.
        metrics: for `metrics.json`.
    """

    vectors: ComplementVectors | None
    metrics: Mapping[str, Any]


def choose_complement(
    corpus: Corpus, measure: Measure | None, settings: GraphSettings, reporter: Reporter
) -> Complements:
    """Learn from the train split's purchases with each setting; keep the best on valid.

    The counts themselves and popularity are measured beside it.
    """
    lines = purchases(corpus, ("train",)) if corpus.has("events") else None
    if lines is None or lines.empty:
        reporter.info("complement: the corpus has no purchases, so the folder has no such vectors")
        return _none()
    data = baskets(lines)
    tried = candidates(settings.complement, data)
    if measure is None:
        reporter.info("complement: no valid split to choose on; the first settings are taken")
        tried = tried[:1]
    counts = {
        ahead: pair_counts(data, ahead, settings.complement.pairs_per_item)
        for ahead in {0.0, *(each.next_basket_weight for each in tried)}
    }
    found, values = [], []
    with reporter.progress("complement settings", len(tried)) as advance:
        for each in tried:
            vectors = complement_vectors(
                data, counts[each.next_basket_weight], each, settings.complement, settings.seed
            )
            found.append(vectors)
            values.append(0.0 if measure is None else _outcome(measure, vectors).value)
            advance(1)
    best = max(range(len(tried)), key=lambda i: (values[i], -i))
    if not found[best].item_ids:
        reporter.info("complement: too few products bought together for vectors")
        return _none()
    metrics: dict[str, Any] = {
        "kept": True,
        "products": len(found[best].item_ids),
        "chosen": asdict(tried[best]),
        "measure": None if measure is None else measure.name,
    }
    if measure is not None:
        simple = _simple_figures(measure, data, counts[0.0])
        metrics["value"] = values[best]
        metrics["compared"] = simple
        metrics["tried"] = [
            {**asdict(each), "value": value} for each, value in zip(tried, values, strict=True)
        ]
        beside = ", ".join(f"{name} {value:.4f}" for name, value in simple.items())
        reporter.info(f"complement: {measure.name} on valid {values[best]:.4f} ({beside})")
    return Complements(found[best], metrics)


def _none() -> Complements:
    return Complements(None, {"kept": False, "chosen": None, "measure": None})


def _outcome(measure: Measure, of: ComplementVectors) -> Outcome:
    rows = _rows(of.item_ids, measure.items)
    if not of.item_ids:
        rows = np.full(len(measure.items), -1)
        nothing = np.zeros((len(rows), 1), np.float32)
        return measure.outcome("complement", vector_scores(nothing, nothing, rows < 0))
    present = (rows >= 0)[:, None]
    scores = vector_scores(of.leading[rows] * present, of.led[rows] * present, rows < 0)
    return measure.outcome("complement", scores)


def _simple_figures(measure: Measure, data: Baskets, counts: sparse.csr_matrix) -> dict[str, float]:
    """The counts as shares of each product's pairs, and popularity."""
    rows = _rows(data.item_ids, measure.items)
    known = np.flatnonzero(rows >= 0)
    place = sparse.csr_matrix(
        (np.ones(len(known), np.float32), (known, rows[known])),
        (len(rows), len(data.item_ids)),
    )
    mass = np.maximum(np.asarray(counts.sum(axis=1)).ravel(), 1.0)
    shares = (place @ (sparse.diags(1.0 / mass) @ counts) @ place.T).tocsr()
    popular = place @ np.asarray(data.matrix.sum(axis=0)).ravel()
    of_all = measure.outcome("popularity", lambda profile: np.tile(popular, (profile.shape[0], 1)))
    return {
        "counts": measure.outcome("counts", matrix_scores(shares)).value,
        "popularity": of_all.value,
    }


def _rows(item_ids: Sequence[str], wanted: Sequence[str]) -> NDArray[np.int64]:
    """The row of each wanted product, -1 for none."""
    row_of = {item: row for row, item in enumerate(item_ids)}
    return np.array([row_of.get(item, -1) for item in wanted], np.int64)
