"""A shopper's history as a query into a space."""

import numpy as np
from numpy.typing import NDArray

from relatum_server.index.base import Index, Space
from relatum_server.ranking.profile import ShopperProfile
from relatum_server.services.product_keys import ProductKeys

HEAVIEST = 50


def interests(
    keys: ProductKeys, profile: ShopperProfile
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Keys [n] and weights [n] of the products that weigh most and that the catalogue has."""
    found = [(keys.key_of(i), weight) for i, weight in profile.heaviest(HEAVIEST)]
    there = [(key, weight) for key, weight in found if key is not None and weight != 0.0]
    return (
        np.array([key for key, _ in there], np.int64),
        np.array([weight for _, weight in there], np.float64),
    )


def taste_vector(
    index: Index, keys: ProductKeys, profile: ShopperProfile
) -> NDArray[np.float32] | None:
    """Unit vector [d]: the weighted sum of the history's vectors; None without any."""
    history, weights = interests(keys, profile)
    return weighted_vector(index, history, weights)


def weighted_vector(
    index: Space, history: NDArray[np.int64], weights: NDArray[np.float64]
) -> NDArray[np.float32] | None:
    """Unit vector [d]: the weighted sum of these products' vectors; None without any."""
    if not len(history):
        return None
    vectors, _ = index.get(history)
    taste = weights.astype(np.float32) @ vectors
    length = float(np.linalg.norm(taste))
    return (taste / length).astype(np.float32) if length > 0 else None
