"""EASE: the linear item-item model in closed form."""

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from relatum_export.evaluation.baselines.base import Baseline, Known, Settings
from relatum_export.training.ranker.profile import basket_profile
from relatum_export.training.ranker.requests import Request, Scores

MAX_ITEMS = 12_500  # the inverse takes items^2 memory and items^3 time


def _ease(known: Known, settings: Settings) -> Scores:
    """Weights B = I - P / diag(P) with P = (X'X + penalty I)^-1, over the most frequent items.

    **Source**: Steck 2019, Embarrassingly Shallow Autoencoders for Sparse Data, equation 8.
    """
    interactions = known.interactions()
    held = np.asarray((interactions > 0).sum(axis=0)).ravel()
    kept = np.sort(np.argsort(-held, kind="stable")[:MAX_ITEMS])
    kept = kept[held[kept] > 0]
    # The inverse takes the time; how old an event counts changes nothing in it.
    key = f"{known.fit} {settings['penalty']}"
    if key not in known.made:
        known.made[key] = ease_weights(interactions[:, kept], settings["penalty"])
    weights: NDArray[np.float32] = known.made[key]

    def scores(requests: Sequence[Request]) -> NDArray[np.floating]:
        profile = basket_profile(requests, known.items, settings["step"])[:, kept]
        out = np.zeros((len(requests), known.items), np.float32)
        # What is left out scores below all that is known.
        out[:] = -np.inf
        out[:, kept] = profile @ weights
        return out

    return scores


def ease_weights(interactions: object, penalty: float) -> NDArray[np.float32]:
    """Float32 [items, items] with a diagonal of 0.

    Args:
        interactions: CSR [shoppers, items].
        penalty: on the squared weights.

    Raises:
        ValueError: the penalty is too small for the inverse to exist.
    """
    gram = (interactions.T @ interactions).toarray()  # type: ignore[attr-defined]
    gram = np.asfortranarray(gram, np.float32)
    gram[np.diag_indices_from(gram)] += penalty
    # Cholesky in place: half the time of a general inverse, and no second matrix.
    factor, info = lapack.spotrf(gram, lower=True, overwrite_a=True)
    if not info:
        factor, info = lapack.spotri(factor, lower=True, overwrite_c=True)
    if info:
        raise ValueError(f"EASE: no inverse at penalty {penalty}")
    inverse = cast("NDArray[np.float32]", factor)
    lower = np.tril_indices_from(inverse, -1)
    inverse.T[lower] = inverse[lower]
    weights = inverse / -np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    return np.ascontiguousarray(weights)


EASE = Baseline("ease", [{"penalty": p, "step": 1.0} for p in (100.0, 300.0, 1000.0)], _ease)
EASE_RECENCY = Baseline(
    "ease-recency",
    [{"penalty": p, "step": step} for p in (100.0, 300.0, 1000.0) for step in (0.5, 0.7)],
    _ease,
)
