"""When a shopper will buy a product again."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

DAY_US = 86_400 * 1_000_000
SAME_TRIP_US = DAY_US // 2
PRIOR_WAITS = 1.0  # what is known of all shoppers counts as so many of the shopper's own


def trips(times_us: Sequence[int]) -> list[int]:
    """Times, newest first, without those less than half a day before the one kept last."""
    kept: list[int] = []
    for time_us in times_us:
        if not kept or kept[-1] - time_us >= SAME_TRIP_US:
            kept.append(time_us)
    return kept


def typical_wait(trips_us: Sequence[int], log_days: float) -> float:
    """Days between a shopper's purchases: the median of the own waits, shrunk to everybody's.

    Args:
        trips_us: times of the purchases, newest first, at least one.
        log_days: logarithm of the days that shoppers typically wait with this product.
    """
    times = np.array(trips_us, np.float64)
    waits = np.log((times[:-1] - times[1:]) / DAY_US)
    own = float(np.median(waits)) if len(waits) else 0.0
    total = len(waits) + PRIOR_WAITS
    return float(np.exp((len(waits) * own + PRIOR_WAITS * log_days) / total))


def due(elapsed_days: NDArray[np.float64], wait_days: NDArray[np.float64]) -> NDArray[np.float64]:
    """How near a purchase is, 0..1: 1 when the typical wait is over, less before and long after.

    The hazard of a log-logistic wait of shape 2 with this median, as a share of its largest.

    Args:
        elapsed_days: since the last purchase, float64 [n]; below 0 counts as 0.
        wait_days: the typical wait, above 0, float64 [n].

    **Source**: Bennett 1983, Log-Logistic Regression Models for Survival Data, section 2; waits
    of a shopper and of all as evidence of repeats: Bhagat et al. 2018, Buy It Again, section 3.
    """
    ratio = np.maximum(elapsed_days, 0.0) / wait_days
    result: NDArray[np.float64] = 2.0 * ratio / (1.0 + ratio * ratio)
    return result


def inclination(repeats: NDArray[np.float64], rates: NDArray[np.float64]) -> NDArray[np.float64]:
    """How surely a product is bought again at all, 0..1.

    Args:
        repeats: the shopper's own purchases after the first, float64 [n].
        rates: share of everybody's purchases that were not a first, float64 [n].
    """
    result: NDArray[np.float64] = (repeats + PRIOR_WAITS * rates) / (repeats + PRIOR_WAITS)
    return result
