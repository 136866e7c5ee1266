"""What shoppers' events say of products: behaviour vectors, co-purchase, popularity."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.extmath import randomized_svd

from relatum_export.artifact.copurchase import (
    MAX_BASKET,
    Baskets,
    baskets,
    pair_table,
    popularity_table,
    purchases,
)
from relatum_export.corpus.folder import Corpus

DIMENSION = 128
VECTORS = "spaces/behaviour.npy"
IDS = "spaces/behaviour.ids.json"
COPURCHASE = "copurchase.parquet"
POPULARITY = "popularity.parquet"


@dataclass(frozen=True, slots=True)
class BehaviourSettings:
    """How co-occurrence becomes vectors; the defaults were chosen on valid.

    Attributes:
        dimension: components kept.
        window: how many baskets (without baskets: events) ahead still count.
        decay: weight of each further step of the history.
        min_count: an item in fewer baskets gets no vector.
        row_power: a row is divided by its sum to this power.
        item_power: an item's column is divided by its count to this power.
        spectrum: exponent of the singular values.
    """

    dimension: int = DIMENSION
    window: int = 3
    decay: float = 0.7
    min_count: int = 2
    row_power: float = 0.25
    item_power: float = 0.5
    spectrum: float = 0.5
    seed: int = 0


@dataclass(frozen=True, slots=True)
class BehaviourParts:
    """What ``fit`` learns.

    Attributes:
        item_ids: one id a row of ``vectors``, sorted; none where no vectors were asked for.
        vectors: [items, dimension] float32, rows of length 1.
        copurchase: item_id_a, item_id_b, count.
        popularity: item_id, count, last_time.
    """

    item_ids: tuple[str, ...]
    vectors: NDArray[np.float32]
    copurchase: pa.Table
    popularity: pa.Table


def fit(
    corpus: Corpus,
    *,
    splits: Sequence[str] = ("train",),
    settings: BehaviourSettings | None = None,
    vectors: bool = True,
) -> BehaviourParts | None:
    """Learn from the corpus's purchases in ``splits``.

    Args:
        corpus: the shop.
        splits: whose purchases count.
        settings: see ``BehaviourSettings``.
        vectors: whether the space is wanted, beside the counts; a user encoder brings its own.

    Returns:
        None where the corpus has no purchase in those splits.
    """
    if not corpus.has("events"):
        return None
    lines = purchases(corpus, splits)
    if lines.empty:
        return None
    data = baskets(lines)
    settings = settings or BehaviourSettings()
    ids: tuple[str, ...] = ()
    space = np.zeros((0, settings.dimension), np.float32)
    if vectors:
        ids, space = behaviour_vectors(data, settings)
    return BehaviourParts(ids, space, pair_table(data), popularity_table(lines))


def behaviour_vectors(
    data: Baskets, settings: BehaviourSettings
) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """Items that share baskets and near histories, close together.

    Truncated SVD of the history-by-item matrix, each row a basket with the next few of the same
    shopper, decayed; rows and columns are divided by a power of their sums. Its right singular
    vectors are the eigenvectors of the items' normalised co-occurrence, which so never has to be
    formed. Deterministic: seeded, signs fixed.

    **Source**: truncated SVD of normalised co-occurrence with the spectrum's root as weight:
    Levy, Goldberg and Dagan 2015, Improving Distributional Similarity, sections 2.2 and 3.3;
    randomized SVD: Halko, Martinsson and Tropp 2011.

    Returns:
        The ids and float32 [items, min(dimension, rank bound)], rows of length 1; items below
        ``min_count`` baskets are left out.
    """
    counts = np.asarray(data.matrix.sum(axis=0)).ravel()
    usable = np.flatnonzero(counts >= settings.min_count)
    ids = tuple(data.item_ids[j] for j in usable)
    dimension = min(settings.dimension, len(usable) - 1, data.matrix.shape[0] - 1)
    if dimension < 1:
        return (), np.zeros((0, settings.dimension), np.float32)
    sizes = np.asarray(data.matrix.sum(axis=1)).ravel()
    near = sparse.diags((sizes <= MAX_BASKET).astype(np.float32)) @ data.matrix[:, usable]
    rows = ahead = near
    for _ in range(settings.window):
        ahead = (data.successor @ ahead) * settings.decay
        rows = rows + ahead
    rows = rows.tocsr()
    rows.data = np.minimum(rows.data, 1.0)
    mass = np.asarray(rows.sum(axis=1)).ravel()
    row_weight = np.where(mass > 0, np.maximum(mass, 1e-6) ** -settings.row_power, 0.0)
    scaled = sparse.diags(row_weight) @ rows @ sparse.diags(counts[usable] ** -settings.item_power)
    _, singular, right = randomized_svd(
        scaled.astype(np.float32), dimension, n_iter=3, random_state=settings.seed, flip_sign=False
    )
    vectors = right.T * singular**settings.spectrum
    peak = np.abs(right).argmax(axis=1)
    vectors *= np.sign(right[np.arange(dimension), peak])
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    kept = length.ravel() > np.finfo(np.float32).tiny
    unit = (vectors[kept] / length[kept]).astype(np.float32)
    return tuple(i for i, k in zip(ids, kept, strict=True) if k), unit


def write(parts: BehaviourParts, folder: Path) -> list[str]:
    """Write the parts as the artifact's files.

    Returns:
        The names written, relative to ``folder``; no space where no item has a vector.
    """
    names = [COPURCHASE, POPULARITY]
    pq.write_table(parts.copurchase, folder / COPURCHASE, compression="zstd")
    pq.write_table(parts.popularity, folder / POPULARITY, compression="zstd")
    if parts.item_ids:
        (folder / VECTORS).parent.mkdir(parents=True, exist_ok=True)
        np.save(folder / VECTORS, parts.vectors.astype(np.float16), allow_pickle=False)
        text = json.dumps(parts.item_ids, ensure_ascii=False)
        (folder / IDS).write_text(text, encoding="utf-8")
        names += [VECTORS, IDS]
    return names
