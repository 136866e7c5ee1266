"""Shoppers' histories of a corpus, as the user encoder is fitted on them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from relatum_export.corpus.folder import Corpus
from relatum_export.errors import InputError
from relatum_export.evaluation.protocols.events import product_ids, shopper_purchases
from relatum_export.evaluation.protocols.next_basket import NEXT_BASKET
from relatum_export.evaluation.protocols.next_item import NEXT_ITEM

DAY_S = 86_400.0
FITS = {"train": ("train",), "train+valid": ("train", "valid")}


@dataclass(frozen=True, slots=True)
class History:
    """One shopper's purchases, oldest first.

    Attributes:
        user: the shopper.
        items: positions in the catalogue, int64 [events].
        baskets: number of each event's basket within the history, ascending, int64 [events];
            without baskets each event is one.
        days: time of each event, float64 [events]; NaN where the shop has no clock.
    """

    user: str
    items: NDArray[np.int64]
    baskets: NDArray[np.int64]
    days: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Histories:
    """What a user encoder is fitted on.

    Attributes:
        items: the catalogue's ids, sorted.
        shoppers: those with at least one event.
        in_baskets: whether events come in baskets, whose order within means nothing.
        clock: whether all events have a time.
    """

    items: tuple[str, ...]
    shoppers: tuple[History, ...]
    in_baskets: bool
    clock: bool

    @classmethod
    def read(cls, corpus: Corpus, fit: str) -> "Histories":
        """The purchases of the splits of ``fit`` (a key of ``FITS``), shopper by shopper.

        Raises:
            InputError: the corpus has no shoppers whose next purchase could be learned.
        """
        in_baskets = not NEXT_ITEM.applies(corpus)
        if in_baskets and not NEXT_BASKET.applies(corpus):
            raise InputError(
                f"corpus {corpus.path} has no histories to learn from: `train users` needs items "
                "and events with shoppers, not bundles"
            )
        items = product_ids(corpus)
        lines = shopper_purchases(corpus, items)
        if in_baskets:
            lines = lines[lines["session_id"].notna()]
        clock = bool(len(lines)) and bool(lines["timestamp"].notna().all())
        lines = lines[lines["split"].isin(FITS[fit])]
        lines = _in_baskets(lines, clock=clock) if in_baskets else _single(lines, clock=clock)
        shoppers = tuple(
            History(
                str(user),
                group["place"].to_numpy(),
                group["number"].to_numpy(),
                group["days"].to_numpy(),
            )
            for user, group in lines.groupby("user_id", sort=True)
        )
        return cls(tuple(items), shoppers, in_baskets, clock)

    def counts(self) -> NDArray[np.int64]:
        """Events of each item, int64 [items]."""
        events = [shopper.items for shopper in self.shoppers]
        flat = np.concatenate(events) if events else np.zeros(0, np.int64)
        return np.bincount(flat, minlength=len(self.items))


def _days(lines: pd.DataFrame, *, clock: bool) -> NDArray[np.float64]:
    if not clock:
        return np.full(len(lines), np.nan)
    days: NDArray[np.float64] = lines["timestamp"].to_numpy(np.float64) / DAY_S
    return days


def _single(lines: pd.DataFrame, *, clock: bool) -> pd.DataFrame:
    number = lines.groupby("user_id").cumcount()
    return lines.assign(number=number.to_numpy(np.int64), days=_days(lines, clock=clock))


def _in_baskets(lines: pd.DataFrame, *, clock: bool) -> pd.DataFrame:
    """Distinct items of each basket by id, baskets in the order of time, then id."""
    key = ["user_id", "session_id"]
    when = lines["timestamp"] if clock else lines["position"]
    lines = lines.assign(when=when.astype(np.float64))
    lines = lines.assign(when=lines.groupby(key)["when"].transform("min"))
    lines = lines.drop_duplicates([*key, "place"])
    lines = lines.sort_values(["user_id", "when", "session_id", "place"], ignore_index=True)
    first = (lines["session_id"] != lines["session_id"].shift()) | (
        lines["user_id"] != lines["user_id"].shift()
    )
    number = first.groupby(lines["user_id"]).cumsum().to_numpy(np.int64) - 1
    days = lines["when"].to_numpy() / DAY_S if clock else np.full(len(lines), np.nan)
    return lines.assign(number=number, days=days)
