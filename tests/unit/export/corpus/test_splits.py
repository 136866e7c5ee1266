"""Splits: by time without cutting a day or a basket, else by a hash of the key."""

from typing import Any

import pandas as pd
import pyarrow as pa

from relatum_export.corpus.conform import conform
from relatum_export.corpus.events import normalise_events
from relatum_export.corpus.mapping import ColumnMapping
from relatum_export.corpus.rejected import RejectedRows
from relatum_export.corpus.source import Source
from relatum_export.corpus.splits import by_hash, by_time, split_times

DAY = 86_400


def test_times_are_cut_near_80_and_90_percent_at_midnight() -> None:
    times = pd.Series([day * DAY + 60 for day in range(100)])

    bounds = split_times(times)

    assert bounds == (80 * DAY, 90 * DAY)
    assert by_time(times, bounds).value_counts().to_dict() == {"train": 80, "valid": 10, "test": 10}


def test_two_days_cannot_be_cut_into_three() -> None:
    assert split_times(pd.Series([0, 1, DAY, DAY + 1])) is None


def test_three_days_give_each_split_one() -> None:
    times = pd.Series([0, DAY, 2 * DAY])

    bounds = split_times(times)

    assert bounds is not None
    assert by_time(times, bounds).tolist() == ["train", "valid", "test"]


def test_a_hash_gives_about_80_10_10_and_the_same_each_time() -> None:
    keys = [f"key-{n}" for n in range(10_000)]

    first, second = by_hash(keys), by_hash(keys)

    assert first == second
    assert 0.78 < first.count("train") / len(keys) < 0.82
    assert 0.08 < first.count("test") / len(keys) < 0.12


def events(**columns: list[Any]) -> pa.Table:
    rejected = RejectedRows()
    mapping = ColumnMapping()
    read = conform("events", pa.table(columns), "events.csv", mapping, rejected)
    return normalise_events(read, Source("shop", {}, mapping), rejected)


def test_a_basket_over_midnight_stays_in_the_split_of_its_first_line() -> None:
    times = [day * DAY for day in range(10)] + [8 * DAY - 60, 8 * DAY + 60]
    sessions = [f"s{day}" for day in range(10)] + ["night", "night"]

    made = events(
        item_id=["a"] * 12, event_type=["view"] * 12, timestamp=times, session_id=sessions
    ).to_pandas()

    night = made[made["session_id"] == "night"]["split"].unique().tolist()
    assert len(night) == 1
    assert set(made["split"]) == {"train", "valid", "test"}
    assert made.sort_values("timestamp")["split"].iloc[-1] == "test"


def test_events_without_times_are_split_by_session_never_within_one() -> None:
    made = events(
        item_id=["a", "b"] * 200,
        event_type=["purchase"] * 400,
        session_id=[f"s{n // 2}" for n in range(400)],
    ).to_pandas()

    assert set(made["split"]) == {"train", "valid", "test"}
    assert made.groupby("session_id")["split"].nunique().max() == 1
