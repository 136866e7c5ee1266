"""Purchases of each product, decaying with a half-life of seven days."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

HALF_LIFE_US = 7 * 86_400 * 1_000_000


class PopularityCounter:
    """Decayed purchases by product number. One writer; only the writer reads.

    Each count is kept as its logarithm at a fixed epoch, so that time passing changes no entry and
    events may come in any order.
    """

    def __init__(self, logs: Sequence[float] = ()) -> None:
        """Start from what `logs` gave."""
        self._logs = list(logs)

    def add(self, number: int, time_us: int) -> None:
        """Count one purchase of a product at a time."""
        if number >= len(self._logs):
            self._logs += [-math.inf] * (number + 1 - len(self._logs))
        log = time_us / HALF_LIFE_US
        old = self._logs[number]
        high, low = max(old, log), min(old, log)
        self._logs[number] = high + math.log2(1.0 + 2.0 ** (low - high))

    def logs(self, numbers: Sequence[int]) -> NDArray[np.float64]:
        """float64 [n]: binary logarithms of the counts at the epoch; -inf for none."""
        known = len(self._logs)
        return np.array(
            [self._logs[number] if number < known else -math.inf for number in numbers],
            np.float64,
        )


def log_at_epoch(counts: NDArray[np.float64], times_us: NDArray[np.int64]) -> NDArray[np.float64]:
    """float64 [n]: the logarithms, as `PopularityCounter` keeps them, of counts at a time each.

    -inf for counts of 0 or less.
    """
    logs = np.full(len(counts), -np.inf)
    some = counts > 0
    logs[some] = np.log2(counts[some]) + times_us[some] / HALF_LIFE_US
    return logs
