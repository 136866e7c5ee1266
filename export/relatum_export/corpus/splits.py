"""Train, valid and test: the split that is given, else by time, else by a hash of the key."""

import hashlib
from collections.abc import Iterable

import numpy as np
import pandas as pd

from relatum_export.corpus.schema import SPLITS

DAY_S = 86_400
TRAIN_SHARE = 0.8
VALID_SHARE = 0.1


def split_times(times: "pd.Series[int]") -> tuple[int, int] | None:
    """First second of valid and of test, at midnights nearest to 80 and 90 % of the rows.

    Returns None where fewer than three days leave nothing to cut.
    """
    days = np.sort(times.to_numpy(dtype=np.int64) // DAY_S)
    distinct = np.unique(days)
    if len(distinct) < len(SPLITS):
        return None
    before = np.searchsorted(days, distinct) / len(days)  # share of rows before each day
    valid = int(np.abs(before[1:-1] - TRAIN_SHARE).argmin()) + 1
    later = np.abs(before[valid + 1 :] - (TRAIN_SHARE + VALID_SHARE))
    test = valid + 1 + int(later.argmin())
    return int(distinct[valid]) * DAY_S, int(distinct[test]) * DAY_S


def by_time(times: "pd.Series[int]", bounds: tuple[int, int]) -> "pd.Series[str]":
    """The split of each time, given the first second of valid and of test."""
    names = np.array(SPLITS)
    chosen = names[np.searchsorted(np.array(bounds), times.to_numpy(dtype=np.int64), side="right")]
    return pd.Series(chosen, index=times.index, dtype="str")


def by_hash(keys: Iterable[str]) -> list[str]:
    """The split of each key: 80 / 10 / 10 %, the same on every machine and in every run."""
    return [hash_split(key) for key in keys]


def hash_split(key: str) -> str:
    """The split of one key."""
    digest = hashlib.blake2b(key.encode("utf-8"), digest_size=8).digest()
    share = int.from_bytes(digest, "big") / 2**64
    if share < TRAIN_SHARE:
        return "train"
    return "valid" if share < TRAIN_SHARE + VALID_SHARE else "test"
