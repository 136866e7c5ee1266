"""The replies among which a question's own is sought."""

import numpy as np

POOL = 1_000


def reply_pool(own: list[str], train: list[str], *, size: int = POOL, seed: int = 0) -> list[str]:
    """The distinct replies of the split, filled with replies of train, sorted.

    Args:
        own: replies of the split measured; all of them enter.
        train: replies to draw from.
        size: filled up to this many.
        seed: of the draw.
    """
    pool = sorted(set(own))
    others = sorted(set(train) - set(own))
    room = min(max(0, size - len(pool)), len(others))
    drawn = np.random.default_rng(seed).choice(len(others), room, replace=False)
    return sorted([*pool, *(others[i] for i in drawn)])
