"""Pairs of products bought together: sampled from baskets, bundles and shoppers' histories."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa

SEED = 0
MAX_BASKET = 50  # products of one basket that can make pairs; a longer one is sampled


def baskets(events: pa.Table | None, bundles: pa.Table | None, split: str) -> list[list[str]]:
    """Sets of products that were bought together in one split, each as distinct ids in order.

    A session's purchases, or a bundle. Of a shopper whose purchases name no session, each two
    neighbours in the order of time count as bought together.
    """
    found: list[list[str]] = []
    if events is not None:
        names = ["user_id", "item_id", "event_type", "timestamp", "session_id", "position", "split"]
        frame = events.select(names).to_pandas()
        frame = frame[(frame["event_type"] == "PURCHASE") & (frame["split"] == split)]
        sessions = frame[frame["session_id"].notna()]
        found += _lists(sessions, "session_id")
        loose = frame[frame["session_id"].isna() & frame["user_id"].notna()]
        loose = loose.sort_values(["user_id", "timestamp", "position"], kind="stable")
        for history in _lists(loose, "user_id"):
            found += [list(two) for two in pairwise(history)]
    if bundles is not None:
        for items, of in zip(
            bundles["items"].to_pylist(), bundles["split"].to_pylist(), strict=True
        ):
            if of == split:
                found.append(list(dict.fromkeys(item for item in items if item)))
    return [basket for basket in found if len(basket) > 1]


def _lists(frame: pd.DataFrame, key: str) -> list[list[str]]:
    """Distinct items by ``key``, keys sorted, items in the order of the rows."""
    distinct = frame.drop_duplicates([key, "item_id"]).sort_values(key, kind="stable")
    items = distinct["item_id"].to_numpy()
    keys = distinct[key].to_numpy()
    cuts = np.flatnonzero(keys[1:] != keys[:-1]) + 1
    return [list(part) for part in np.split(items, cuts)] if len(items) else []


def sample_pairs(
    found: Sequence[Sequence[str]], groups: dict[str, str], limit: int
) -> Iterable[tuple[str, str]]:
    """At most ``limit`` distinct pairs (a < b) of products of different groups.

    Each basket gives about equally many, so that a few long baskets do not drown the rest.
    Products that are not in ``groups`` (not in the catalogue) make no pair.
    """
    if not found:
        return []
    random = np.random.default_rng(SEED)
    share = max(1, -(-limit * 2 // len(found)))  # some will be repeats
    pairs: dict[tuple[str, str], None] = {}
    for number in random.permutation(len(found)):
        if len(pairs) >= limit:
            break
        basket = [item for item in found[number] if item in groups]
        if len(basket) > MAX_BASKET:
            basket = [basket[i] for i in random.choice(len(basket), MAX_BASKET, replace=False)]
        left, right = np.triu_indices(len(basket), 1)
        if len(left) > share:
            chosen = random.choice(len(left), share, replace=False)
            left, right = left[chosen], right[chosen]
        for i, j in zip(left, right, strict=True):
            a, b = sorted((basket[i], basket[j]))
            if groups[a] != groups[b]:
                pairs[a, b] = None
    return list(pairs)[:limit]
