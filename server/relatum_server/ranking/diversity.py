"""Which entries of a ranked list stay."""

import numpy as np
from numpy.typing import NDArray


def one_per_group(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows of the first of each group, in order.

    Args:
        groups: int64 [n] of a list, best first; negative numbers are groups of their own.

    Returns:
        int64 [m], ascending rows.
    """
    own = groups < 0
    if own.all():
        return np.arange(len(groups), dtype=np.int64)
    _, first = np.unique(groups, return_index=True)
    keep = own.copy()
    keep[first] = True
    return np.flatnonzero(keep)
