"""A linear map from text vectors into the behaviour space, so that a new product has a place there.

Fitted in closed form on the products that were bought. How strongly it is held back is chosen on
valid by the ranking that matters: each product is predicted as if it were the one left out, and
the valid cases are ranked among these predictions.

**Source**: leave-one-out residuals of ridge regression in closed form: Hastie, Tibshirani and
Friedman 2009, The Elements of Statistical Learning, section 7.10.1.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relatum_export.training.users.model import UserEncoder
from relatum_export.training.users.ranking import MEASURE, ValidRanking

PENALTIES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
SCALES = (1.0, 0.85, 1.2, 0.7, 0.5, 0.25)  # the first wins a tie
CASES = 2_000  # of valid, by a fixed draw, while choosing


@dataclass(frozen=True, slots=True)
class RidgeMap:
    """Behaviour vector = scale x (text vector, 1) x map.

    Attributes:
        weights: float32 [text dimension + 1, dimension], the scale in it; the last row is added to
            every product.
        penalty: on the squared weights, the added row apart.
        scale: of the predictions; what nobody has bought yet weighs less than its text alone says.
        scores: valid NDCG@10 by what was tried, `penalty X` and `scale X`.
    """

    weights: NDArray[np.float32]
    penalty: float
    scale: float
    scores: Mapping[str, float]

    def __call__(self, text: NDArray[np.float32]) -> NDArray[np.float32]:
        """Float32 [products, text dimension] to float32 [products, dimension]."""
        return apply_map(self.weights, text)


def apply_map(weights: NDArray[np.float32], text: NDArray[np.float32]) -> NDArray[np.float32]:
    """Float32 [products, text dimension] to float32 [products, dimension]; zeros without text."""
    mapped: NDArray[np.float32] = text @ weights[:-1] + weights[-1]
    mapped[~text.any(axis=1)] = 0.0
    return mapped


class Regression:
    """Ridge regression for any penalty from one decomposition.

    Args:
        text: [products, text dimension].
        vectors: [products, dimension].
    """

    def __init__(self, text: NDArray[np.float32], vectors: NDArray[np.float32]) -> None:
        self._text_mean = text.mean(axis=0, dtype=np.float64)
        self._mean = vectors.mean(axis=0, dtype=np.float64)
        centred = text.astype(np.float64) - self._text_mean
        self._vectors = vectors
        self._eigen, self._basis = np.linalg.eigh(centred.T @ centred)
        self._eigen = np.maximum(self._eigen, 0.0)
        self._rotated = centred @ self._basis
        self._moment = self._rotated.T @ (vectors - self._mean)

    def weights(self, penalty: float) -> NDArray[np.float32]:
        """Float32 [text dimension + 1, dimension]."""
        slope = self._basis @ (self._moment / (self._eigen + penalty)[:, None])
        added = self._mean - self._text_mean @ slope
        return np.vstack([slope, added]).astype(np.float32)

    def left_out(self, penalty: float) -> NDArray[np.float32]:
        """Each product as predicted from all others, float32 [products, dimension]."""
        shrunk = self._rotated / (self._eigen + penalty)
        leverage = 1.0 / len(self._rotated) + (shrunk * self._rotated).sum(axis=1)
        fitted = shrunk @ self._moment + self._mean
        residual = (self._vectors - fitted) / np.maximum(1.0 - leverage, 1e-6)[:, None]
        predicted: NDArray[np.float32] = (self._vectors - residual).astype(np.float32)
        return predicted


def fit_ridge(
    text: NDArray[np.float32],
    vectors: NDArray[np.float32],
    bought: NDArray[np.bool_],
    *,
    penalty: float,
    scale: float,
) -> RidgeMap:
    """The map with a penalty and a scale that were chosen before.

    Args:
        text: float32 [items, text dimension]; zeros where an item has no text.
        vectors: float32 [items, dimension].
        bought: bool [items]: what the map is fitted on.
        penalty: see ``RidgeMap``.
        scale: see ``RidgeMap``.
    """
    usable = bought & text.any(axis=1)
    weights = Regression(text[usable], vectors[usable]).weights(penalty)
    return RidgeMap(weights * np.float32(scale), penalty, scale, {})


def choose_ridge(
    text: NDArray[np.float32],
    vectors: NDArray[np.float32],
    bought: NDArray[np.bool_],
    encoder: UserEncoder,
    ranking: ValidRanking,
    *,
    seed: int,
) -> RidgeMap:
    """The map whose penalty and scale rank valid best; of equals the first tried.

    Args:
        text: as in ``fit_ridge``.
        vectors: as in ``fit_ridge``.
        bought: as in ``fit_ridge``.
        encoder: asks.
        ranking: of valid.
        seed: of the draw of cases.
    """
    usable = bought & text.any(axis=1)
    regression = Regression(text[usable], vectors[usable])
    few = ranking.sampled(CASES, seed)
    scores: dict[str, float] = {}
    best, penalty = -1.0, PENALTIES[-1]
    for tried in reversed(PENALTIES):
        predicted = vectors.copy()
        predicted[usable] = regression.left_out(tried)
        figure = few.measure(encoder, vectors, predicted)[MEASURE]
        scores[f"penalty {tried:g}"] = figure
        if figure > best:
            best, penalty = figure, tried
    weights = regression.weights(penalty)
    best, scale = -1.0, 1.0
    if not (bought | ~text.any(axis=1)).all():
        for tried in SCALES:
            placed = np.where(bought[:, None], vectors, apply_map(weights, text) * tried)
            figure = ranking.measure(encoder, placed.astype(np.float32))[MEASURE]
            scores[f"scale {tried:g}"] = figure
            if figure > best:
                best, scale = figure, tried
    return RidgeMap(weights * np.float32(scale), penalty, scale, scores)
