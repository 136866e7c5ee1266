"""Next basket: a shopper's first basket of the period from the baskets before it.

A basket is one session id, in the order of time, then id. Products bought before stay candidates;
the figures over repeated and over new products take the others out of basket and candidates.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from relatum_export.corpus.folder import Corpus
from relatum_export.evaluation.metrics import binary_ndcg, recall, top_k
from relatum_export.evaluation.protocols.base import Protocol, Task
from relatum_export.evaluation.protocols.events import has_baskets, read_purchases
from relatum_export.evaluation.rows import Outcome, mean_outcome

DEPTH = 10
DAY_S = 86_400
RECENT_DAYS = 7
BASKET_DECAY = 0.9  # per basket further back, in own-frequency-mix
RECENT_WEIGHT = 3.0  # of the last seven days' share, in own-frequency-mix
# Codes of postage, fees and vouchers are not products; the rule is the set's own.
PRODUCT_CODES: Mapping[str, re.Pattern[str]] = {"online_retail": re.compile(r"\d{5}")}


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
        items: ids in the order in which ties are broken: purchases in train, then id.
        popularity: purchase lines in train, float64 [items].
        cases: by split.
        times: time of each basket line, ascending; empty where the source has no clock.
        line_items: its item position.
        line_basket: its basket's number.
    """

    items: tuple[str, ...]
    popularity: NDArray[np.float64]
    cases: Mapping[str, list[Case]]
    times: NDArray[np.float64]
    line_items: NDArray[np.int64]
    line_basket: NDArray[np.int64]

    @classmethod
    def read(cls, corpus: Corpus) -> "NextBasket":
        """Arrange the purchase lines that have a shopper and a basket."""
        lines = read_purchases(corpus)
        ids = corpus.table("items", ["item_id"]).column("item_id").to_pylist()
        product = PRODUCT_CODES.get(corpus.name)
        known = {item for item in ids if product is None or product.match(item)}
        lines = lines[
            lines["user_id"].notna() & lines["session_id"].notna() & lines["item_id"].isin(known)
        ]
        counts = lines.loc[lines["split"] == "train", "item_id"].value_counts()
        count = {str(item): int(n) for item, n in counts.items()}
        items = sorted(known, key=lambda item: (-count.get(item, 0), item))
        place = {item: i for i, item in enumerate(items)}
        clock = bool(lines["timestamp"].notna().all())
        # Without a clock the order number within the shopper is the time.
        time = lines["timestamp"] if clock else lines["position"]
        lines = lines.assign(
            place=lines["item_id"].map(place).astype(np.int64), time=time.astype(np.float64)
        )
        ordered = lines.sort_values("time", kind="stable")
        return cls(
            tuple(items),
            np.array([count.get(item, 0) for item in items], np.float64),
            {split: _cases(lines, split) for split in ("valid", "test")},
            ordered["time"].to_numpy() if clock else np.zeros(0),
            ordered["place"].to_numpy(),
            pd.factorize(ordered["session_id"])[0].astype(np.int64),
        )

    def recent_share(self, time: float) -> NDArray[np.float64]:
        """Share of the last seven days' baskets before ``time`` that hold each item."""
        low, high = np.searchsorted(self.times, [time - RECENT_DAYS * DAY_S, time])
        pairs = np.unique(np.stack([self.line_basket[low:high], self.line_items[low:high]]), axis=1)
        baskets = max(len(np.unique(pairs[0])), 1)
        return np.bincount(pairs[1], minlength=len(self.items)) / baskets


def _cases(lines: pd.DataFrame, split: str) -> list[Case]:
    """Shoppers known in train; their first basket of the split; baskets of an earlier time."""
    trained = set(lines.loc[lines["split"] == "train", "user_id"])
    cases = []
    for user, own in lines[lines["user_id"].isin(trained)].groupby("user_id", sort=True):
        baskets = own.groupby("session_id").agg(time=("time", "min"), split=("split", "first"))
        baskets = baskets.reset_index().sort_values(["time", "session_id"])
        here = baskets[baskets["split"] == split]
        if here.empty:
            continue
        time, session = float(here["time"].iloc[0]), here["session_id"].iloc[0]
        content = {s: np.unique(g.to_numpy()) for s, g in own.groupby("session_id")["place"]}
        before = [content[s] for s in baskets.loc[baskets["time"] < time, "session_id"]]
        if before:
            cases.append(Case(str(user), time, tuple(before), content[session]))
    return cases


def own_frequency(case: Case, items: int) -> NDArray[np.float64]:
    """Count of the shopper's baskets that hold the item."""
    return np.bincount(np.concatenate(case.before), minlength=items).astype(np.float64)


def recent_own_frequency(case: Case, items: int) -> NDArray[np.float64]:
    """The same with .9 per basket further back, divided by its largest."""
    ages = range(len(case.before) - 1, -1, -1)
    weights = np.concatenate(
        [np.full(len(b), BASKET_DECAY**age) for b, age in zip(case.before, ages, strict=True)]
    )
    score = np.bincount(np.concatenate(case.before), weights=weights, minlength=items)
    return np.asarray(score / score.max())


Scores = Callable[[Case], NDArray[np.float64]]


def _outcomes(split: str, system: str, cases: list[Case], scores: Scores) -> list[Outcome]:
    """NDCG@10 and R@10 over all, repeated and new items of the baskets."""
    found: dict[str, tuple[list[str], list[float], list[float]]] = {
        slice_: ([], [], []) for slice_ in ("", "/repeat", "/new")
    }
    for case in cases:
        score = scores(case)
        bought = np.zeros(len(score), bool)
        bought[np.concatenate(case.before)] = True
        for slice_, (units, ndcg, share) in found.items():
            allowed = {"": None, "/repeat": bought, "/new": ~bought}[slice_]
            basket = case.basket if allowed is None else case.basket[allowed[case.basket]]
            if not len(basket):
                continue
            left = score if allowed is None else np.where(allowed, score, -np.inf)
            hits = np.isin(top_k(left, DEPTH), basket)
            units.append(case.user)
            ndcg.append(binary_ndcg(hits, len(basket), DEPTH))
            share.append(recall(hits, len(basket)))
    outcomes = []
    for slice_, (units, ndcg, share) in found.items():
        outcomes.append(mean_outcome(split, system, f"NDCG@10{slice_}", units, ndcg))
        outcomes.append(mean_outcome(split, system, f"R@10{slice_}", units, share))
    return outcomes


def _measure(task: Task) -> list[Outcome]:
    data = NextBasket.read(task.corpus)
    count = len(data.items)
    systems: dict[str, Scores] = {
        "popularity": lambda case: data.popularity,
        "own-frequency": lambda case: own_frequency(case, count),
    }
    if len(data.times):
        systems["popularity-7d"] = lambda case: data.recent_share(case.time)
        systems["own-frequency-mix"] = lambda case: (
            recent_own_frequency(case, count) + RECENT_WEIGHT * data.recent_share(case.time)
        )
    else:
        task.notes.append("popularity-7d, own-frequency-mix: left out, the events have no times")
    return [
        outcome
        for split in task.splits
        if data.cases[split]
        for name, scores in systems.items()
        for outcome in _outcomes(split, name, data.cases[split], scores)
    ]


def _applies(corpus: Corpus) -> bool:
    if not (corpus.has("events") and corpus.has("items")):
        return False
    return has_baskets(corpus) and not corpus.has("bundles")


NEXT_BASKET = Protocol("next basket", _applies, _measure)
