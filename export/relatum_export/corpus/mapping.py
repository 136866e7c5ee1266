"""The column mapping (TOML) that turns a foreign schema into the common one.

Example::

    name = "myshop"
    currency = "EUR"
    encoding = "utf-8"

    [items]
    item_id = "sku"
    title = "ProductName"
    lang = { value = "de" }

    [events]
    item_id = "sku"
    user_id = "customer"
    session_id = "order_no"
    event_type = { value = "order" }
    timestamp = { column = "date", format = "%d.%m.%Y %H:%M" }

    [event_types]
    order = "PURCHASE"
    storno = "RETURN"
    correction = "drop"
"""

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from relatum_export.corpus.files import FileFormat
from relatum_export.corpus.rejected import ROW, join_names
from relatum_export.corpus.schema import EVENT_TYPES, SCHEMAS
from relatum_export.errors import InputError

TOP_KEYS = ("name", "currency", "encoding", "delimiter", "category_separator", "list_separator")
COLUMN_KEYS = ("column", "value", "format", "unit")
UNITS = {"s": 1, "ms": 1000, "us": 1_000_000}
DROP = "DROP"


@dataclass(frozen=True, slots=True)
class ColumnRule:
    """Where one column's values come from: a source column, or a constant.

    Attributes:
        column: name in the source; "" with a constant.
        value: the constant, or None.
        format: `strptime` form of a date column; "" for seconds or ISO 8601.
        unit: of a numeric date: s, ms or us.
    """

    column: str = ""
    value: str | float | int | None = None
    format: str = ""
    unit: str = "s"


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """One mapping file, checked."""

    name: str = ""
    currency: str = ""
    form: FileFormat = field(default_factory=FileFormat)
    category_separator: str = ""
    list_separator: str = "|"
    columns: Mapping[str, Mapping[str, ColumnRule]] = field(default_factory=dict)
    event_types: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> "ColumnMapping":
        """Read and check a mapping file.

        Raises:
            InputError: no such file, not TOML, an unknown key, table, column or event type.
        """
        try:
            raw = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise InputError(f"{path}: no such mapping file") from error
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise InputError(f"{path}: not a TOML file in UTF-8 ({error})") from error
        _known(path, raw, (*TOP_KEYS, *SCHEMAS, "event_types"), "key")
        for key in TOP_KEYS:
            if not isinstance(raw.get(key, ""), str):
                raise InputError(f"{path}: {key} must be a text in quotes")
        for key in (*SCHEMAS, "event_types"):
            if not isinstance(raw.get(key, {}), dict):
                raise InputError(f"{path}: {key} must be a table, written [{key}]")
        return cls(
            name=raw.get("name", ""),
            currency=raw.get("currency", ""),
            form=FileFormat(raw.get("encoding", "utf-8"), raw.get("delimiter", "")),
            category_separator=raw.get("category_separator", ""),
            list_separator=raw.get("list_separator", "|"),
            columns={t: _rules(path, t, raw[t]) for t in SCHEMAS if t in raw},
            event_types=_event_types(path, raw.get("event_types", {})),
        )

    def rule(self, table: str, column: str) -> ColumnRule:
        """The rule of one column; without one, the column of the same name."""
        return self.columns.get(table, {}).get(column, ColumnRule(column))

    def apply(self, table: str, read: pa.Table, source: Path) -> pa.Table:
        """Rename and add columns, so that ``read`` has the names of the common schema.

        Columns that no rule names keep their own name.

        Raises:
            InputError: a mapped column is not in the file.
        """
        rules = self.columns.get(table, {})
        used = {rule.column for rule in rules.values() if rule.column}
        missing = used - set(read.column_names)
        if missing:
            first = min(missing)
            have = [name for name in read.column_names if name != ROW]
            near = difflib.get_close_matches(first, have, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise InputError(
                f"{source}: the mapping's [{table}] names the column {first!r}, the file has "
                f"{join_names(have)}{hint}"
            )
        columns = {n: read[n] for n in read.column_names if n not in used and n not in rules}
        for name, rule in rules.items():
            if rule.column:
                columns[name] = read[rule.column]
            else:
                columns[name] = pa.chunked_array([pa.array([rule.value] * read.num_rows)])
        return pa.table(columns)


def _known(path: Path, raw: Mapping[str, Any], known: tuple[str, ...], what: str) -> None:
    for key in raw:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise InputError(f"{path}: unknown {what} {key!r}{hint}; known are {join_names(known)}")


def _rules(path: Path, table: str, raw: Mapping[str, Any]) -> dict[str, ColumnRule]:
    rules = {}
    schema = SCHEMAS[table]
    _known(path, raw, tuple(schema.columns), f"column of [{table}]")
    for name, entry in raw.items():
        if isinstance(entry, str):
            rules[name] = ColumnRule(entry)
            continue
        if not isinstance(entry, dict):
            raise InputError(
                f"{path}: [{table}] {name} must be a column's name or {{ value = ... }}"
            )
        _known(path, entry, COLUMN_KEYS, f"key of [{table}] {name}")
        if ("column" in entry) == ("value" in entry):
            raise InputError(f"{path}: [{table}] {name} needs either column or value")
        unit = entry.get("unit", "s")
        if unit not in UNITS:
            raise InputError(f"{path}: [{table}] {name} has unit {unit!r}; known are s, ms, us")
        rules[name] = ColumnRule(
            entry.get("column", ""), entry.get("value"), entry.get("format", ""), unit
        )
    return rules


def _event_types(path: Path, raw: Mapping[str, Any]) -> dict[str, str]:
    types = {}
    for key, value in raw.items():
        name = str(value).upper()
        if name not in EVENT_TYPES and name != DROP:
            known = join_names([*EVENT_TYPES, "drop"])
            raise InputError(
                f"{path}: [event_types] {key} = {value!r} is no event type; known are {known}"
            )
        types[key.casefold()] = name
    return types
