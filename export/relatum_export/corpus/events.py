"""Events in the API's words: types, quantities, values, splits and order."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from relatum_export.corpus.mapping import DROP
from relatum_export.corpus.rejected import RejectedRows, join_names
from relatum_export.corpus.schema import EVENT_TYPES
from relatum_export.corpus.source import Source
from relatum_export.corpus.splits import by_hash, by_time, split_times

SOURCE_TYPES = {
    "review": "PURCHASE",
    "purchase_review": "PURCHASE",
    "cancel": "RETURN",
    "adjust": DROP,
}
MAX_QUANTITY = 1_000_000
MAX_KEY_BYTES = 256


def normalise_events(events: pa.Table, source: Source, rejected: RejectedRows) -> pa.Table:
    """Map types, make quantities positive, move ratings to ``value``, fill ``split``.

    Dropped and impossible rows go to ``rejected``.
    """
    types = _types(events["event_type"], source)
    quantity = events["quantity"].to_numpy(zero_copy_only=False).astype(np.float64)
    quantity = np.where(types == "RETURN", np.abs(quantity), quantity)
    value = pc.coalesce(events["value"], events["rating"])

    checks = {
        f"event_type {_dropped(events, types)} is dropped": types == DROP,
        "event_type is unknown; map it in [event_types] to one of "
        f"{join_names(EVENT_TYPES)}": ~np.isin(types, [*EVENT_TYPES, DROP]),
        "quantity is negative and the event is no return": quantity < 0,
        f"quantity is above {MAX_QUANTITY:,}": quantity > MAX_QUANTITY,
        "quantity is not a whole number": np.floor(quantity) < quantity,
        f"user_id is longer than {MAX_KEY_BYTES} bytes": _long(events["user_id"]),
        f"session_id is longer than {MAX_KEY_BYTES} bytes": _long(events["session_id"]),
    }
    good = np.ones(events.num_rows, dtype=bool)
    for reason, mask in checks.items():
        rejected.add_mask("events", events, mask & good, reason)
        good &= ~mask

    known = np.where(np.isnan(quantity), 1, np.clip(quantity, 0, MAX_QUANTITY)).astype(np.int64)
    columns = {name: events[name] for name in events.column_names if name != "rating"}
    columns["event_type"] = pa.array(types.astype(str), pa.string())
    columns["quantity"] = pa.array(known)
    columns["value"] = value
    kept = pa.table(columns).filter(pa.array(good))
    return _with_split(kept, source.split_times)


def _types(column: pa.ChunkedArray, source: Source) -> NDArray[np.object_]:
    encoded = column.combine_chunks().dictionary_encode()
    names = {**SOURCE_TYPES, **source.mapping.event_types}
    words = [str(word) for word in encoded.dictionary.to_pylist()]
    mapped = np.array([names.get(w.casefold(), w.upper()) for w in words], dtype=object)
    taken: NDArray[np.object_] = mapped[encoded.indices.to_numpy(zero_copy_only=False)]
    return taken


def _dropped(events: pa.Table, types: NDArray[np.object_]) -> str:
    rows = np.flatnonzero(types == DROP)
    return str(events["event_type"][int(rows[0])].as_py()) if len(rows) else ""


def _long(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    long = pc.fill_null(pc.greater(pc.binary_length(column), MAX_KEY_BYTES), False)
    return np.asarray(long)


def _with_split(events: pa.Table, bounds: tuple[int, int] | None) -> pa.Table:
    """Fill ``split`` where the source gives none: by time, a basket by its first line."""
    given = events["split"]
    if given.null_count == 0:
        return events
    frame = events.select(["user_id", "session_id", "item_id", "timestamp"]).to_pandas()
    basket = frame["session_id"].fillna("user:" + frame["user_id"].fillna(""))
    if frame["timestamp"].notna().all():
        times = frame["timestamp"].astype("int64")
        started = times.groupby(frame["session_id"]).transform("min").fillna(times).astype("int64")
        bounds = bounds or split_times(started)
        if bounds:
            return _fill(events, by_time(started, bounds).tolist())
    keys = basket.where(basket != "user:", "item:" + frame["item_id"])
    distinct = keys.unique()
    splits = dict(zip(distinct, by_hash(distinct), strict=True))
    return _fill(events, keys.map(splits).tolist())


def _fill(events: pa.Table, splits: list[str]) -> pa.Table:
    filled = pc.coalesce(events["split"], pa.array(splits, pa.string()))
    return events.set_column(events.column_names.index("split"), "split", filled)


def in_order(events: pa.Table) -> "pd.DataFrame":
    """Events as they happened: by time, then position, then as the source lists them.

    Sets without times are ordered by position alone: each shopper's own order is kept.
    """
    frame: pd.DataFrame = events.to_pandas()
    return frame.sort_values(["timestamp", "position"], kind="stable", na_position="first")
