"""Measures of a classifier's probabilities."""

import numpy as np
from numpy.typing import NDArray

ECE_BINS = 10
LEAST_PROBABILITY = 1e-12


def macro_f1(truth: NDArray[np.int64], predicted: NDArray[np.int64], classes: int) -> float:
    """Mean over the classes of 2 TP / (2 TP + FP + FN); a class never seen nor said has 0."""
    scores = []
    for k in range(classes):
        hit = float(((truth == k) & (predicted == k)).sum())
        wrong = float(((truth == k) ^ (predicted == k)).sum())
        scores.append(2 * hit / max(2 * hit + wrong, 1.0))
    return float(np.mean(scores))


def expected_calibration_error(
    probabilities: NDArray[np.floating], truth: NDArray[np.int64], bins: int = ECE_BINS
) -> float:
    """Mean distance of confidence and accuracy over equal-width bins of the top label.

    A bin holds its upper end: (0, .1], (.1, .2], ...

    **Source**: Guo et al. 2017, On Calibration of Modern Neural Networks, section 2, equation 3.

    Args:
        probabilities: rows summing to 1, [cases, classes].
        truth: class of each case, int64 [cases].
        bins: how many.
    """
    gap, place = top_bins(probabilities, truth, bins)
    return float(np.abs(np.bincount(place, weights=gap, minlength=bins)).sum() / len(truth))


def top_bins(
    probabilities: NDArray[np.floating], truth: NDArray[np.int64], bins: int = ECE_BINS
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Confidence less accuracy of each case's top label, and the bin of its confidence.

    Returns:
        float64 [cases] within -1..1, and int64 [cases] within 0..bins - 1.
    """
    confidence = np.asarray(probabilities.max(axis=1), np.float64)
    right = probabilities.argmax(axis=1) == truth
    return confidence - right, bins_of(confidence, bins)


def bins_of(confidence: NDArray[np.float64], bins: int = ECE_BINS) -> NDArray[np.int64]:
    """The bin of equal width that each probability falls in, int64 [cases] within 0..bins - 1."""
    upper = np.round(confidence * bins, 9)  # .6 of a sum may be a hair above .6
    return np.clip(np.ceil(upper).astype(np.int64) - 1, 0, bins - 1)


def brier_scores(
    probabilities: NDArray[np.floating], truth: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Squared distance to the true class's unit vector, summed over classes, float64 [cases].

    **Source**: Brier 1950, Verification of Forecasts Expressed in Terms of Probability.
    """
    hot = np.eye(probabilities.shape[1])[truth]
    return np.asarray(((probabilities - hot) ** 2).sum(axis=1), np.float64)


def negative_log_likelihoods(
    probabilities: NDArray[np.floating], truth: NDArray[np.int64]
) -> NDArray[np.float64]:
    """-ln of the true class's probability, float64 [cases]."""
    own = probabilities[np.arange(len(truth)), truth]
    return np.asarray(-np.log(np.maximum(own, LEAST_PROBABILITY)), np.float64)
