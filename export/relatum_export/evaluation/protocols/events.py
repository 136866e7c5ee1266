"""Purchases of a corpus in the order of time, for the protocols about shoppers."""

import re
from collections.abc import Mapping

import pandas as pd
import pyarrow.compute as pc

from relatum_export.corpus.folder import Corpus

COLUMNS = ["user_id", "item_id", "event_type", "timestamp", "session_id", "position", "split"]
# Codes of postage, fees and vouchers are not products; the rule is the set's own.
PRODUCT_CODES: Mapping[str, re.Pattern[str]] = {"online_retail": re.compile(r"\d{5}")}


def has_baskets(corpus: Corpus) -> bool:
    """Whether some lines of the events name a basket."""
    sessions = corpus.table("events", ["session_id"]).column("session_id")
    return bool(pc.count(sessions).as_py())


def product_ids(corpus: Corpus) -> list[str]:
    """Ids of the catalogue's products, sorted: positions in this list break ties by id."""
    code = PRODUCT_CODES.get(corpus.name)
    ids = corpus.table("items", ["item_id"]).column("item_id").to_pylist()
    return sorted(item for item in ids if code is None or code.match(item))


def read_purchases(corpus: Corpus) -> pd.DataFrame:
    """Purchase lines, cancellations left out, ordered by shopper, time and position."""
    frame = corpus.table("events", COLUMNS).to_pandas()
    frame = frame[frame["event_type"] == "PURCHASE"]
    order = ["user_id", "timestamp", "position"]
    ordered: pd.DataFrame = frame.sort_values(order, kind="stable", ignore_index=True)
    return ordered


def shopper_purchases(corpus: Corpus, items: list[str]) -> pd.DataFrame:
    """Purchase lines that have a shopper and a known product, with its position as ``place``."""
    lines = read_purchases(corpus)
    place = {item: i for i, item in enumerate(items)}
    lines = lines[lines["user_id"].notna() & lines["item_id"].isin(place)]
    return lines.assign(place=lines["item_id"].map(place).astype("int64"))
