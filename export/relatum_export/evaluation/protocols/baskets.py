"""A set's baskets: each shopper's in the order of time, and all of them along the clock."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from relatum_export.corpus.folder import Corpus
from relatum_export.evaluation.protocols.events import product_ids, shopper_purchases

DAY_S = 86_400
RECENT_DAYS = 7


@dataclass(frozen=True, slots=True)
class Case:
    """One shopper: baskets before (oldest first) and the basket to predict, item positions."""

    user: str
    time: float
    before: tuple[NDArray[np.int64], ...]
    basket: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class NextBasket:
    """Cases and what the systems are fitted on.

    Attributes:
        items: ids, sorted.
        popularity: baskets that hold each item up to the end of a split, float64 [items].
        cases: by split.
        clock: whether the events have times, not an order within the shopper alone.
        times: time of each basket, ascending, float64 [baskets].
        starts: where each basket begins in ``contents``, int64 [baskets + 1].
        contents: distinct items of each basket, int64.
    """

    items: tuple[str, ...]
    popularity: Mapping[str, NDArray[np.float64]]
    cases: Mapping[str, list[Case]]
    clock: bool
    times: NDArray[np.float64]
    starts: NDArray[np.int64]
    contents: NDArray[np.int64]

    @classmethod
    def read(cls, corpus: Corpus) -> "NextBasket":
        """Arrange the purchase lines that have a shopper and a basket."""
        items = product_ids(corpus)
        lines = shopper_purchases(corpus, items)
        lines = lines[lines["session_id"].notna()]
        clock = bool(lines["timestamp"].notna().all())
        # Without a clock the order number within the shopper is the time.
        time = (lines["timestamp"] if clock else lines["position"]).astype(np.float64)
        lines = lines.assign(time=time)
        baskets = (
            lines.groupby(["user_id", "session_id"], sort=False)
            .agg(time=("time", "min"), split=("split", "first"))
            .reset_index()
            .sort_values(["user_id", "time", "session_id"], ignore_index=True)
        )
        numbers = baskets.assign(number=baskets.index)[["user_id", "session_id", "number"]]
        number = lines.merge(numbers, on=["user_id", "session_id"])["number"].to_numpy()
        contents = _contents(number, lines["place"].to_numpy(), len(baskets), len(items))
        by_time = np.argsort(baskets["time"].to_numpy(), kind="stable")
        sizes = np.array([len(contents[i]) for i in by_time], np.int64)
        return cls(
            tuple(items),
            {
                last: _held(contents, baskets["split"].isin(splits), len(items))
                for last, splits in (("train", ["train"]), ("valid", ["train", "valid"]))
            },
            {split: _cases(baskets, contents, split) for split in ("valid", "test")},
            clock,
            baskets["time"].to_numpy()[by_time],
            np.concatenate([[0], np.cumsum(sizes)]),
            np.concatenate([contents[i] for i in by_time] or [np.zeros(0, np.int64)]),
        )

    def recent_share(self, time: float) -> NDArray[np.float64]:
        """Share of the last seven days' baskets before ``time`` that hold each item."""
        low, high = np.searchsorted(self.times, [time - RECENT_DAYS * DAY_S, time])
        held = self.contents[self.starts[low] : self.starts[high]]
        share: NDArray[np.float64] = np.bincount(held, minlength=len(self.items)) / max(
            high - low, 1
        )
        return share

    def order(self, fit: str) -> NDArray[np.intp]:
        """Positions by popularity up to the end of split ``fit``, then id: how ties are broken."""
        return np.argsort(-self.popularity[fit], kind="stable")


def _held(
    contents: list[NDArray[np.int64]], counted: "pd.Series[bool]", items: int
) -> NDArray[np.float64]:
    """In how many of the counted baskets each item is."""
    chosen = [content for content, take in zip(contents, counted, strict=True) if take]
    held = np.concatenate([np.zeros(0, np.int64), *chosen])
    return np.bincount(held, minlength=items).astype(np.float64)


def _contents(
    number: NDArray[np.int64], place: NDArray[np.int64], baskets: int, items: int
) -> list[NDArray[np.int64]]:
    """Distinct items of each basket, sorted."""
    held, item = np.divmod(np.unique(number * items + place), items)
    return np.split(item, np.searchsorted(held, np.arange(1, baskets)))[:baskets]


def _cases(baskets: pd.DataFrame, contents: list[NDArray[np.int64]], split: str) -> list[Case]:
    """Shoppers known in train; their first basket of the split; baskets of an earlier time."""
    trained = set(baskets.loc[baskets["split"] == "train", "user_id"])
    first = baskets[(baskets["split"] == split) & baskets["user_id"].isin(trained)]
    first = first.drop_duplicates("user_id")
    begin = {user: int(i) for i, user in baskets["user_id"].drop_duplicates().items()}
    times = baskets["time"].to_numpy()
    cases = []
    for number, user in first["user_id"].items():
        own = range(begin[user], int(number))
        before = tuple(contents[i] for i in own if times[i] < times[number])
        if before:
            cases.append(Case(str(user), float(times[number]), before, contents[number]))
    return cases
