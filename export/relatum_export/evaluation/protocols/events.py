"""Purchases of a corpus in the order of time, for the protocols about shoppers."""

import pandas as pd
import pyarrow.compute as pc

from relatum_export.corpus.folder import Corpus

COLUMNS = ["user_id", "item_id", "event_type", "timestamp", "session_id", "position", "split"]


def has_baskets(corpus: Corpus) -> bool:
    """Whether some lines of the events name a basket."""
    sessions = corpus.table("events", ["session_id"]).column("session_id")
    return bool(pc.count(sessions).as_py())


def read_purchases(corpus: Corpus) -> pd.DataFrame:
    """Purchase lines, cancellations left out, ordered by shopper, time and position."""
    frame = corpus.table("events", COLUMNS).to_pandas()
    frame = frame[frame["event_type"] == "PURCHASE"]
    order = ["user_id", "timestamp", "position"]
    ordered: pd.DataFrame = frame.sort_values(order, kind="stable", ignore_index=True)
    return ordered
