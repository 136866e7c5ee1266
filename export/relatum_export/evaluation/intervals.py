"""Confidence intervals by the paired bootstrap."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 10_000
CHUNK_DRAWS = 8_000_000  # 64 MB of indices at a time


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


def resampled_ratios(
    numerator: NDArray[np.float64],
    denominator: NDArray[np.float64],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Sum of numerators over sum of denominators in each bootstrap sample of the units.

    All systems (columns) see the same samples, which is what makes differences paired. A mean is
    the ratio with denominators 1; a mean over the members of clusters has the cluster's sum and
    size; F1 has 2 TP and 2 TP + FP + FN.

    Args:
        numerator: [units, systems].
        denominator: [units, systems].
        resamples: how many samples.
        seed: of the draws.

    Returns:
        [resamples, systems]; 0 where a sample's denominators are all 0.

    **Source**: Efron and Tibshirani 1993, An Introduction to the Bootstrap, chapter 13.
    """
    systems = numerator.shape[1]
    sums = resampled_sums(
        np.concatenate([numerator, denominator], axis=1), resamples=resamples, seed=seed
    )
    top, bottom = sums[:, :systems], sums[:, systems:]
    return np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0)


def resampled_sums(
    columns: NDArray[np.float64], *, resamples: int = RESAMPLES, seed: int = 0
) -> NDArray[np.float64]:
    """Column sums in each bootstrap sample of the units, the same samples for all columns.

    Args:
        columns: [units, columns].
        resamples: how many samples.
        seed: of the draws.

    Returns:
        [resamples, columns].
    """
    units = len(columns)
    rng = np.random.default_rng(seed)
    out = np.empty((resamples, columns.shape[1]))
    chunk = max(1, min(resamples, CHUNK_DRAWS // max(units, 1)))
    for start in range(0, resamples, chunk):
        n = min(chunk, resamples - start)
        drawn = rng.integers(0, units, size=(n, units))
        drawn += np.arange(n)[:, None] * units
        times = np.bincount(drawn.ravel(), minlength=n * units).reshape(n, units)
        out[start : start + n] = times @ columns
    return out


def percentile_interval(value: float, samples: NDArray[np.float64]) -> Interval:
    """The figure with the 2.5th and 97.5th percentile of its samples."""
    low, high = np.percentile(samples, [2.5, 97.5])
    return Interval(value, float(low), float(high))
