"""Checks a table against the common schema: good rows get its types, bad rows a reason."""

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from relatum_export.corpus.files import as_text, is_text
from relatum_export.corpus.mapping import UNITS, ColumnMapping, ColumnRule
from relatum_export.corpus.rejected import ROW, RejectedRows, join_names
from relatum_export.corpus.schema import FURTHER_ANSWERS, FURTHER_SCHEMA, SCHEMAS, SPLITS, Kind
from relatum_export.errors import InputError

MAX_ID_BYTES = 128
MIN_TIME = 0
MAX_TIME = 4_102_444_800  # the year 2100: beyond it stand milliseconds taken for seconds
SPLIT_NAMES = {"training": "train", "validation": "valid", "dev": "valid", "val": "valid"}

Checked: TypeAlias = tuple[pa.Array, NDArray[np.bool_], str]  # values, bad rows, the reason


def conform(
    table: str, read: pa.Table, source: str, mapping: ColumnMapping, rejected: RejectedRows
) -> pa.Table:
    """Give ``read`` the columns and types of ``table``; other columns stay as they are.

    The result has ``__row__``; ``source`` names the origin in messages. A row with a bad value is
    rejected, and its first reason counts.

    Raises:
        InputError: a required column is missing, or no row is left.
    """
    schema = FURTHER_SCHEMA if table == FURTHER_ANSWERS else SCHEMAS[table]
    if ROW not in read.column_names:
        read = read.append_column(ROW, pa.array(np.arange(read.num_rows)))
    missing = [name for name in schema.required if name not in read.column_names]
    if missing:
        have = [name for name in read.column_names if name != ROW]
        raise InputError(
            f"{source}: the {table} lack the column {missing[0]}; the file has {join_names(have)}; "
            f'say which one it is in a mapping file: [{table}] {missing[0]} = "COLUMN"'
        )
    good = np.ones(read.num_rows, dtype=bool)
    columns: dict[str, pa.Array] = {}
    for name, kind in schema.columns.items():
        if name not in read.column_names:
            columns[name] = pa.nulls(read.num_rows, ARROW_TYPES[kind])
            continue
        values, bad, reason = _check(read[name], kind, mapping.rule(table, name), mapping)
        rejected.add_mask(table, read, bad & good, f"{name} {reason}")
        good &= ~bad
        if name in schema.required:
            empty = np.asarray(pc.is_null(values))
            rejected.add_mask(table, read, empty & good, f"{name} is empty")
            good &= ~empty
        columns[name] = values
    extras = [name for name in read.column_names if name not in columns]
    checked = pa.table({**columns, **{name: read[name] for name in extras}})
    twice = _repeated(checked, schema.key, good)
    reason = f"repeats {' and '.join(schema.key)} of an earlier row"
    rejected.add_mask(table, read, twice, reason)
    good &= ~twice
    if not good.any():
        raise InputError(
            f"{source}: none of the {read.num_rows:,} {table} can be used; most often: "
            f"{rejected.worst(table)}"
        )
    return checked if good.all() else checked.filter(pa.array(good))


def _repeated(
    checked: pa.Table, key: tuple[str, ...], good: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Good rows whose key an earlier good row has, bool [rows]."""
    twice = np.zeros(len(good), dtype=bool)
    if key:
        frame = checked.select(list(key)).to_pandas()[good]
        twice[np.flatnonzero(good)] = frame.duplicated().to_numpy()
    return twice


def _check(
    column: pa.ChunkedArray, kind: Kind, rule: ColumnRule, mapping: ColumnMapping
) -> Checked:
    if pa.types.is_null(column.type):
        return pa.nulls(len(column), ARROW_TYPES[kind]), np.zeros(len(column), dtype=bool), ""
    if kind is Kind.TIME:
        return _times(column, rule)
    if kind is Kind.IDS:
        return _id_lists(column, mapping.list_separator)
    return CHECKS[kind](column)


def _texts(column: pa.ChunkedArray) -> Checked:
    return _array(as_text(column)), np.zeros(len(column), dtype=bool), ""


def _array(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _mask(values: Any) -> NDArray[np.bool_]:
    """An Arrow mask as bool [rows], null as false."""
    return np.asarray(_array(pc.fill_null(values, False)))


def _ids(column: pa.ChunkedArray) -> Checked:
    text = _array(as_text(column))
    long = _mask(pc.greater(pc.binary_length(text), MAX_ID_BYTES))
    control = _mask(pc.match_substring_regex(text, r"[\x00-\x1f\x7f]"))
    reason = f"is longer than {MAX_ID_BYTES} bytes or has control characters"
    return text, long | control, reason


def _numbers(column: pa.ChunkedArray) -> Checked:
    if is_text(column):
        text = as_text(column)
        series = pd.to_numeric(pd.Series(text.to_numpy(zero_copy_only=False)), errors="coerce")
        values = pa.array(series.to_numpy(dtype=np.float64), from_pandas=False)
        null = _mask(pc.is_null(text))
        values = pc.if_else(pa.array(null), pa.scalar(None, pa.float64()), values)
    else:
        try:
            values = _array(column.cast(pa.float64()))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            return (
                pa.nulls(len(column), pa.float64()),
                ~_mask(pc.is_null(column)),
                f"is {column.type}, not a number",
            )
        if pa.types.is_floating(column.type):
            # pandas writes a missing number as NaN, so in a column of floats NaN is "not given".
            values = pc.if_else(pc.is_nan(values), pa.scalar(None, pa.float64()), values)
    finite = _mask(pc.is_finite(values))
    bad = ~finite & ~_mask(pc.is_null(values))
    return values, bad, "is not a finite number"


def _integers(column: pa.ChunkedArray) -> Checked:
    values, bad, reason = _numbers(column)
    fraction = _mask(pc.not_equal(values, pc.floor(values)))
    whole = pc.if_else(pa.array(bad | fraction), pa.scalar(None, pa.float64()), values)
    reason = reason if bad.any() else "is not a whole number"
    return whole.cast(pa.int64()), bad | fraction, reason


def _times(column: pa.ChunkedArray, rule: ColumnRule) -> Checked:
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        seconds = _array(column.cast(pa.timestamp("s"), safe=False).cast(pa.int64()))
        null = _mask(pc.is_null(column))
    elif is_text(column):
        text = as_text(column)
        null = _mask(pc.is_null(text))
        seconds = _text_times(pd.Series(text.to_numpy(zero_copy_only=False)), rule)
    else:
        values, bad, reason = _numbers(column)
        if bad.any():
            return values.cast(pa.int64(), safe=False), bad, reason
        null = _mask(pc.is_null(values))
        seconds = pc.floor(pc.divide(values, float(UNITS[rule.unit]))).cast(pa.int64())
    unread = _mask(pc.is_null(seconds)) & ~null
    if unread.any():
        form = f" of the form {rule.format}" if rule.format else " (seconds or ISO 8601)"
        return seconds, unread, f"is not a date{form}"
    outside = _mask(pc.or_(pc.less(seconds, MIN_TIME), pc.greater(seconds, MAX_TIME)))
    return seconds, outside, 'is not within 1970..2100 (milliseconds? say unit = "ms")'


def _text_times(text: "pd.Series[str]", rule: ColumnRule) -> pa.Array:
    """Texts to seconds; null where a text is no date."""
    if rule.format:
        parsed = pd.to_datetime(text, format=rule.format, errors="coerce", utc=True)
    else:
        numbers = pd.to_numeric(text, errors="coerce")
        if numbers.notna().sum() > len(text) // 2:
            seconds = np.floor(numbers.to_numpy(dtype=np.float64) / UNITS[rule.unit])
            wild = ~np.isfinite(seconds) | (np.abs(seconds) > 2.0**62)
            return pa.array(np.where(wild, 0, seconds).astype(np.int64), mask=wild)
        parsed = pd.to_datetime(text, format="ISO8601", errors="coerce", utc=True)
    missing = parsed.isna().to_numpy()
    stamps = parsed.dt.tz_localize(None).astype("datetime64[s]").astype("int64").to_numpy()
    return pa.array(stamps, mask=missing)


def _id_lists(column: pa.ChunkedArray, separator: str) -> Checked:
    if not is_text(column):
        try:
            lists = _array(column.cast(pa.list_(pa.string())))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            return (
                pa.nulls(len(column), pa.list_(pa.string())),
                ~_mask(pc.is_null(column)),
                f"is {column.type}, not a list",
            )
        return lists, np.zeros(len(lists), dtype=bool), ""
    values: list[list[str] | None] = []
    bad = np.zeros(len(column), dtype=bool)
    for row, text in enumerate(as_text(column).to_pylist()):
        values.append(None)
        if text is None:
            continue
        if not text.startswith("["):
            values[-1] = [part.strip() for part in text.split(separator) if part.strip()]
            continue
        try:
            values[-1] = [str(part) for part in json.loads(text)]
        except ValueError:
            bad[row] = True
    return pa.array(values, pa.list_(pa.string())), bad, "is not a list (a|b or a JSON array)"


def _json_objects(column: pa.ChunkedArray) -> Checked:
    """JSON objects as text; NaN and infinity are no JSON and count as damage."""

    def damaged(text: str) -> bool:
        try:
            return not isinstance(json.loads(text, parse_constant=_no_constant), dict)
        except ValueError:
            return True

    text = _array(as_text(column))
    bad = np.fromiter((t is not None and damaged(t) for t in text.to_pylist()), bool, len(text))
    return text, bad, "is not a JSON object of finite numbers"


def _no_constant(name: str) -> float:
    raise ValueError(name)


def _splits(column: pa.ChunkedArray) -> Checked:
    text = pc.utf8_lower(as_text(column)).to_pylist()
    names = [SPLIT_NAMES.get(t, t) if t else None for t in text]
    bad = np.fromiter((n is not None and n not in SPLITS for n in names), bool, len(names))
    return pa.array(names, pa.string()), bad, "is not train, valid or test"


ARROW_TYPES: dict[Kind, pa.DataType] = {
    Kind.ID: pa.string(),
    Kind.TEXT: pa.string(),
    Kind.NUMBER: pa.float64(),
    Kind.INTEGER: pa.int64(),
    Kind.TIME: pa.int64(),
    Kind.IDS: pa.list_(pa.string()),
    Kind.JSON: pa.string(),
    Kind.SPLIT: pa.string(),
}
CHECKS: Mapping[Kind, Callable[[pa.ChunkedArray], Checked]] = {
    Kind.ID: _ids,
    Kind.TEXT: _texts,
    Kind.NUMBER: _numbers,
    Kind.INTEGER: _integers,
    Kind.JSON: _json_objects,
    Kind.SPLIT: _splits,
}
