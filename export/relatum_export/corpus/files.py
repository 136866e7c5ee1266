"""Reading one table from Parquet, CSV or JSON Lines, values as the file has them."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from relatum_export.corpus.rejected import ROW, RejectedRows
from relatum_export.errors import InputError

PARQUET_SUFFIXES = (".parquet", ".pq")
CSV_SUFFIXES = (".csv", ".tsv")
JSONL_SUFFIXES = (".jsonl", ".ndjson", ".json")
MAX_BAD_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class FileFormat:
    """How text files are written; an empty delimiter means by suffix."""

    encoding: str = "utf-8"
    delimiter: str = ""


def read_file(path: Path, table: str, form: FileFormat, rejected: RejectedRows) -> pa.Table:
    """Read a file as a table; a column ``__row__`` holds each row's number in the file.

    Rows that cannot be read go to ``rejected``.

    Raises:
        InputError: no such file, an unknown suffix, damaged, without rows, or mostly unreadable.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; give the file that holds the {table}")
    suffix = path.suffix.lower()
    if suffix in PARQUET_SUFFIXES:
        read = _read_parquet(path)
    elif suffix in CSV_SUFFIXES:
        read = _read_csv(path, table, form, rejected)
    elif suffix in JSONL_SUFFIXES:
        read = _read_jsonl(path, table, form, rejected)
    else:
        known = " ".join((*PARQUET_SUFFIXES, *CSV_SUFFIXES, *JSONL_SUFFIXES))
        raise InputError(f"{path}: {suffix or 'no suffix'} is not a known kind of file ({known})")
    bad = rejected.of_table(table)
    if bad > MAX_BAD_SHARE * (bad + read.num_rows):
        raise InputError(
            f"{path}: {bad:,} of {bad + read.num_rows:,} rows cannot be read "
            f"({rejected.worst(table)}); convert the file to UTF-8 or name its encoding in the "
            f'mapping file, such as encoding = "gb18030"'
        )
    if read.num_rows == 0:
        raise InputError(f"{path}: the table has no rows; fill it or leave it out")
    return read


def _read_parquet(path: Path) -> pa.Table:
    try:
        read = pq.read_table(path, partitioning=None)
    except (pa.ArrowException, OSError) as error:
        line = str(error).splitlines()[0]
        raise InputError(f"{path}: not a readable Parquet file ({line}); write it again") from error
    return _numbered(read, np.arange(read.num_rows))


def _numbered(read: pa.Table, rows: Any) -> pa.Table:
    return read.append_column(ROW, pa.array(rows, pa.int64()))


def _read_csv(path: Path, table: str, form: FileFormat, rejected: RejectedRows) -> pa.Table:
    delimiter = form.delimiter or ("\t" if path.suffix.lower() == ".tsv" else ",")
    header = _csv_header(path, form.encoding, delimiter)

    skipped: list[int] = []

    def refuse(row: Any) -> str:
        # Arrow knows the number because it reads with one thread.
        reason = f"has {row.actual_columns} fields, not {row.expected_columns}"
        skipped.append(row.number - 1)  # the header is row 1
        rejected.add(table, row.number - 1, reason, row.text)
        return "skip"

    try:
        read = pacsv.read_csv(
            path,
            read_options=pacsv.ReadOptions(encoding=form.encoding, use_threads=False),
            parse_options=pacsv.ParseOptions(
                delimiter=delimiter, newlines_in_values=True, invalid_row_handler=refuse
            ),
            # Bytes first: one badly encoded row must not cost the whole file.
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.binary()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
            ),
        )
    except (pa.ArrowException, UnicodeError, LookupError) as error:
        line = str(error).splitlines()[0]
        raise InputError(f"{path}: not readable as CSV in {form.encoding} ({line})") from error
    rows = np.delete(np.arange(read.num_rows + len(skipped)), np.array(skipped, dtype=int) - 1)
    return _decoded(_numbered(read, rows), table, rejected)


def _csv_header(path: Path, encoding: str, delimiter: str) -> list[str]:
    shown = "utf-8-sig" if encoding == "utf-8" else encoding
    try:
        with path.open(encoding=shown, errors="replace", newline="") as stream:
            header = next(csv.reader(stream, delimiter=delimiter), [])
    except LookupError as error:
        raise InputError(f"{path}: {encoding!r} is not a known encoding") from error
    if not header:
        raise InputError(f"{path}: the file is empty; it needs a header line")
    if any("\ufffd" in name for name in header):
        raise InputError(
            f"{path}: its header is not {encoding}; convert the file to UTF-8 or name its "
            f'encoding in the mapping file, such as encoding = "gb18030"'
        )
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise InputError(f"{path}: two columns are named {twice[0]!r}; rename one")
    return header


def _decoded(read: pa.Table, table: str, rejected: RejectedRows) -> pa.Table:
    """Bytes to text; rows with a value that is not UTF-8 are rejected."""
    bad = np.zeros(read.num_rows, dtype=bool)
    columns = [name for name in read.column_names if name != ROW]
    for name in columns:
        try:
            read[name].cast(pa.string())
        except pa.ArrowInvalid:
            bad |= np.fromiter((not _is_utf8(v) for v in read[name].to_pylist()), bool, len(bad))
    rejected.add_mask(table, read, bad, "is not UTF-8")
    good = read.filter(pa.array(~bad))
    return good.cast(
        pa.schema(
            [pa.field(f.name, pa.int64() if f.name == ROW else pa.string()) for f in good.schema]
        )
    )


def _is_utf8(value: bytes | None) -> bool:
    try:
        (value or b"").decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _read_jsonl(path: Path, table: str, form: FileFormat, rejected: RejectedRows) -> pa.Table:
    rows: list[dict[str, Any]] = []
    numbers: list[int] = []
    with path.open("rb") as stream:
        for number, raw in enumerate(stream):
            if not raw.strip():
                continue
            try:
                record = json.loads(raw.decode(form.encoding).removeprefix("\ufeff"))
            except UnicodeDecodeError:
                rejected.add(table, number + 1, f"is not {form.encoding.upper()}", raw)
                continue
            except LookupError as error:
                raise InputError(f"{path}: {form.encoding!r} is not a known encoding") from error
            except ValueError:
                rejected.add(table, number + 1, "is not JSON", raw)
                continue
            if not isinstance(record, dict):
                rejected.add(table, number + 1, "is not a JSON object", raw)
                continue
            rows.append(record)
            numbers.append(number)
    names = list(dict.fromkeys(name for record in rows for name in record))
    columns = {name: _json_column([record.get(name) for record in rows]) for name in names}
    return _numbered(pa.table(columns) if columns else pa.table({"": pa.nulls(0)}), numbers)


def _json_column(values: list[Any]) -> pa.Array:
    """Lists of texts stay lists, numbers stay numbers; anything mixed or nested becomes text."""
    kinds = {type(v) for v in values if v is not None}
    if kinds <= {int, float} or kinds in ({str}, {bool}):
        try:
            return pa.array(values)
        except (pa.ArrowInvalid, OverflowError):
            return pa.array([None if v is None else str(v) for v in values], pa.string())
    if kinds == {list} and all(isinstance(x, str) for v in values if v for x in v):
        return pa.array(values, pa.list_(pa.string()))
    as_text = [
        v if v is None or isinstance(v, str) else json.dumps(v, ensure_ascii=False) for v in values
    ]
    return pa.array(as_text, pa.string())


def is_text(column: pa.ChunkedArray) -> bool:
    """Whether a column holds text of any Arrow kind."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Any column as text: trimmed, NUL taken out, empty as null; whole floats lose their ``.0``."""
    kind = column.type
    if pa.types.is_floating(kind):
        whole = pc.all(pc.or_kleene(pc.is_null(column), pc.equal(column, pc.floor(column)))).as_py()
        column = column.cast(pa.int64()) if whole and not _wild(column) else column
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_struct(kind):
        column = pa.chunked_array([_json_column(column.to_pylist())])
        if not is_text(column):
            dumped = [
                None if v is None else json.dumps(v, ensure_ascii=False) for v in column.to_pylist()
            ]
            column = pa.chunked_array([pa.array(dumped, pa.string())])
    text = column.cast(pa.string())
    if pc.any(pc.match_substring(text, "\x00")).as_py():
        text = pc.replace_substring(text, "\x00", " ")
    text = pc.utf8_trim_whitespace(text)
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)


def _wild(column: pa.ChunkedArray) -> bool:
    """Whether a float column holds what no 64-bit integer can."""
    return not pc.all(pc.or_kleene(pc.is_null(column), pc.less(pc.abs(column), 2.0**62))).as_py()
