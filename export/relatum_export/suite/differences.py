"""Paired differences between two systems, pooled over sets."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from relatum_export.evaluation.intervals import Interval, percentile_interval, resampled_ratios
from relatum_export.evaluation.rows import Outcome
from relatum_export.evaluation.values import read_values, values_file

Pair = tuple[Outcome, Outcome]  # one's own, and the other's


def best_of(rows_file: Path, split: str, measure: str, systems: Sequence[str]) -> Outcome | None:
    """The outcome of the highest figure, the first of a tie; None where none was measured.

    Args:
        rows_file: that `evaluate` wrote, its values beside it.
        split: valid or test.
        measure: as in the rows.
        systems: to choose from.

    Raises:
        InputError: the values are damaged.
    """
    file = values_file(rows_file)
    if not file.is_file():
        return None
    found = read_values(file, split, measure, systems).values()
    return max(found, key=lambda outcome: outcome.value, default=None)


def pooled(pairs: Sequence[Pair], factor: float = 1.0) -> Interval | None:
    """Mean over the sets of one's own figure less the other's, each set weighing alike.

    The sets have measures of their own, so their gains are averaged, not their units. Each set's
    units are drawn by themselves, the same for both systems.

    Args:
        pairs: a set each.
        factor: what the other's figure is multiplied by.

    Returns:
        None where there is no pair, or one of different units.
    """
    if not pairs or any(own.units != other.units for own, other in pairs):
        return None
    values = [own.value - factor * other.value for own, other in pairs]
    samples = [_gains(own, other, factor, seed) for seed, (own, other) in enumerate(pairs)]
    return percentile_interval(float(np.mean(values)), np.mean(samples, axis=0))


def relative_loss(own: Outcome, other: Outcome) -> Interval | None:
    """1 - one's own figure over the other's, the same units drawn for both.

    Returns:
        None where they have different units, or the other's figure is not above 0.
    """
    if own.units != other.units or other.value <= 0:
        return None
    ratios = resampled_ratios(
        np.stack([own.numerator, other.numerator], axis=1),
        np.stack([own.denominator, other.denominator], axis=1),
    )
    # A draw in which the other found nothing says nothing of a share of it.
    drawn = ratios[ratios[:, 1] > 0]
    return percentile_interval(1 - own.value / other.value, 1 - drawn[:, 0] / drawn[:, 1])


def _gains(own: Outcome, other: Outcome, factor: float, seed: int) -> NDArray[np.float64]:
    """Of one set in each resample, float64 [resamples]."""
    ratios = resampled_ratios(
        np.stack([own.numerator, other.numerator], axis=1),
        np.stack([own.denominator, other.denominator], axis=1),
        seed=seed,
    )
    return np.asarray(ratios[:, 0] - factor * ratios[:, 1], np.float64)
