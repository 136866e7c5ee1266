"""Products that a list is asked with: where they stand in a space, and which is nearest."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from relatum_server.index.base import Keys, Space
from relatum_server.ranking.explanation import NO_PRODUCT

DISLIKE = 0.5  # how far dislikes push away, as in Rocchio's method


def anchor_vector(
    index: Space, positives: Sequence[int], negatives: Sequence[int]
) -> NDArray[np.float32] | None:
    """Unit vector [d] of liked less disliked products; None where no liked one has a vector."""
    liked, there = index.get(np.array(positives, np.int64))
    if not there.any():
        return None
    vector = liked[there].mean(axis=0)
    if negatives:
        disliked, known = index.get(np.array(negatives, np.int64))
        if known.any():
            vector = vector - DISLIKE * disliked[known].mean(axis=0)
    length = float(np.linalg.norm(vector))
    return (vector / length).astype(np.float32) if length > 0 else None


def nearest_anchor(index: Space, anchors: Sequence[int], keys: Keys) -> Keys:
    """Key [n] of the anchor nearest to each candidate; -1 where it has no vector."""
    if len(anchors) == 1:
        return np.full(len(keys), anchors[0], np.int64)
    own, there = index.get(np.array(anchors, np.int64))
    theirs, present = index.get(keys)
    if not there.any():
        return np.full(len(keys), NO_PRODUCT, np.int64)
    near = np.flatnonzero(there)[(theirs @ own[there].T).argmax(axis=1)]
    return np.where(present, np.array(anchors, np.int64)[near], NO_PRODUCT)
