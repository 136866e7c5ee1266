"""What is bought in one basket with weighted products."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from relatum_server.index.base import Keys, Mask
from relatum_server.index.exact import is_allowed
from relatum_server.ranking.explanation import NO_PRODUCT, union
from relatum_server.ranking.fusion import association
from relatum_server.services.live import LiveCatalogue

NEIGHBOURS = 300


def together(
    live: LiveCatalogue, anchors: Sequence[tuple[int, float]], allowed: Mask | None
) -> tuple[Keys, NDArray[np.float64], Keys]:
    """What is bought with weighted products.

    Returns:
        Keys [n] ascending, the weighted sum of their associations [n], and for each the anchor
        [n] that adds most.
    """
    lists = [live.traffic.neighbours(key, NEIGHBOURS) for key, _ in anchors]
    keys = union([found for found, _ in lists])
    keys = keys[is_allowed(keys, allowed)]
    total = np.zeros(len(keys))
    largest = np.zeros(len(keys))
    product = np.full(len(keys), NO_PRODUCT, np.int64)
    if not len(keys):
        return keys, total, product
    baskets = live.traffic.baskets(keys)
    own = live.traffic.baskets(np.array([key for key, _ in anchors], np.int64))
    for (anchor, weight), (found, counts), mine in zip(anchors, lists, own, strict=True):
        at = np.searchsorted(keys, found)
        inside = (at < len(keys)) & (keys[np.minimum(at, len(keys) - 1)] == found)
        at = at[inside]
        value = weight * association(counts[inside], float(mine), baskets[at])
        total[at] += value
        more = np.abs(value) > largest[at]
        largest[at[more]] = np.abs(value[more])
        product[at[more]] = anchor
    return keys, total, product
