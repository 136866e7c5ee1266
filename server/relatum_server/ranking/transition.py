"""What comes next, by what came next in other histories."""

import numpy as np
from numpy.typing import NDArray


def transition_scores(
    counts: NDArray[np.float64],
    total: float,
    popularity: NDArray[np.float64],
    *,
    row_power: float,
    popularity_power: float,
) -> NDArray[np.float64]:
    """How much one product leads to others: count / total^row_power / popularity^popularity_power.

    Args:
        counts: decayed counts of the pairs, float64 [n].
        total: their sum over all products; 0 for a product that nothing follows.
        popularity: purchases of each target, float64 [n]; less than one counts as one.
        row_power: .5 trusts a product the more, the more is known of it.
        popularity_power: above 0 holds back what follows everything.
    """
    if total <= 0:
        return np.zeros(len(counts))
    targets = np.maximum(popularity, 1.0) ** popularity_power
    result: NDArray[np.float64] = counts / total**row_power / targets
    return result


def recency_weights(size: int, step: float) -> NDArray[np.float64]:
    """float64 [size]: step^(events since) of a history's events, newest first."""
    weights: NDArray[np.float64] = step ** np.arange(size, dtype=np.float64)
    return weights
