"""Hard negatives: texts of the same set that the base finds near the anchor, but not too near."""

import numpy as np
from numpy.typing import NDArray

from relatum_export.training.encoder_recipe.tables import KnownPairs, PairTable

CHUNK = 512  # anchors at a time
DEPTH = 64  # nearest candidates looked at; the known ones among them are passed over


def mine(
    table: PairTable, known: KnownPairs, vectors: NDArray[np.float32], count: int, margin: float
) -> NDArray[np.int64]:
    """For each pair the rows of its hard negatives, int64 [n, count].

    A negative is a second side of another pair of the table: the most similar ones whose
    similarity is below the partner's by ``margin`` of it, no known partner and not of the same
    group. Where there are too few, the pair's own row stands, which the loss masks.

    **Source**: Moreira et al. 2024, "NV-Retriever", section 4 (TopK-PercPos).

    Args:
        table: pairs that belong together.
        known: all such pairs of the corpus.
        vectors: the base's, of the run's clean texts, float32 [texts, d].
        count: negatives a pair.
        margin: share of the partner's similarity, 0..1.
    """
    size = len(table)
    found = np.repeat(np.arange(size)[:, None], count, axis=1)
    _, distinct = np.unique(table.positive_ids, return_index=True)
    candidates = vectors[table.positive_texts[distinct]]
    depth = min(DEPTH, len(distinct))
    for start in range(0, size, CHUNK):
        rows = np.arange(start, min(size, start + CHUNK))
        anchors = vectors[table.anchor_texts[rows]]
        partner = np.sum(anchors * vectors[table.positive_texts[rows]], axis=1)
        similarity = anchors @ candidates.T
        limit = partner - np.abs(partner) * margin
        similarity[similarity > limit[:, None]] = -np.inf
        near = np.argpartition(-similarity, depth - 1, axis=1)[:, :depth]
        scores = np.take_along_axis(similarity, near, axis=1)
        near = np.take_along_axis(near, np.argsort(-scores, axis=1, kind="stable"), axis=1)
        for at, row in enumerate(rows):
            ids = table.positive_ids[distinct[near[at]]]
            usable = similarity[at, near[at]] > -np.inf
            usable &= ~known.among(table.anchor_ids[row : row + 1], ids)[0]
            usable &= (ids != table.positive_ids[row]) & (ids != table.anchor_ids[row])
            kept = distinct[near[at][usable][:count]]
            found[row, : len(kept)] = kept
    return found
