"""Where a corpus comes from: a folder in the common schema, or single files with a mapping."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa

from relatum_export.corpus.conform import conform
from relatum_export.corpus.files import CSV_SUFFIXES, JSONL_SUFFIXES, PARQUET_SUFFIXES, read_file
from relatum_export.corpus.further import holds_answers, read_further
from relatum_export.corpus.mapping import ColumnMapping
from relatum_export.corpus.rejected import RejectedRows, join_names
from relatum_export.corpus.schema import FURTHER_ANSWERS, SCHEMAS
from relatum_export.errors import InputError

# Tables whose file has another name in the common schema.
FILE_NAMES = {"interactions": "events", "next_item_cases": "cases"}


@dataclass(frozen=True, slots=True)
class Source:
    """Tables in the common schema, rows checked one by one.

    Attributes:
        name: of the set.
        tables: checked tables by name, with the column ``__row__``.
        mapping: how the source's own words translate.
        unused: files without a protocol, with the reason.
        split_times: first second of valid and of test where the source fixes them, else None.
        notes: what a reader of the corpus must know about the source.
    """

    name: str
    tables: Mapping[str, pa.Table]
    mapping: ColumnMapping = field(default_factory=ColumnMapping)
    unused: Mapping[str, str] = field(default_factory=dict)
    split_times: tuple[int, int] | None = None
    notes: tuple[str, ...] = ()


def read_folder(folder: Path, mapping: ColumnMapping, rejected: RejectedRows) -> Source:
    """Read a folder in the common schema.

    Raises:
        InputError: no such folder, or no table of the common schema in it, or a damaged one.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; --data names a folder of Parquet files")
    files: dict[str, Path] = {}
    unused: dict[str, str] = {}
    further: list[Path] = []
    for path in sorted(p for p in folder.iterdir() if p.is_file()):
        if path.suffix.lower() not in PARQUET_SUFFIXES:
            if path.suffix.lower() in (*CSV_SUFFIXES, *JSONL_SUFFIXES):
                unused[path.name] = "not Parquet; name single files with --items F and the like"
            continue
        table = FILE_NAMES.get(path.stem, path.stem)
        if table in files:
            raise InputError(f"{folder}: both {files[table].name} and {path.name} hold {table}")
        if table in SCHEMAS:
            files[table] = path
        elif holds_answers(path):
            further.append(path)
        else:
            unused[path.name] = "no protocol uses this table"
    answers, said = read_further(further, mapping, rejected)
    unused |= said
    if not files and answers is None:
        raise InputError(
            f"{folder}: no table of the common schema (it has {join_names(list(unused))}); name "
            f"single files instead: --items F --events F"
        )
    source = read_files(files, mapping, rejected, name=folder.resolve().name)
    tables = dict(source.tables)
    if answers is not None:
        tables[FURTHER_ANSWERS] = answers
    return replace(source, tables=tables, unused=unused)


def read_files(
    files: Mapping[str, Path], mapping: ColumnMapping, rejected: RejectedRows, *, name: str
) -> Source:
    """Read single files by table name.

    Raises:
        InputError: a file is missing, unreadable, empty, or lacks a column.
    """
    for table in mapping.columns:
        if table not in files:
            raise InputError(f"the mapping has [{table}], but no --{table} F was given")
    tables = {}
    for table in (name for name in SCHEMAS if name in files):
        path = files[table]
        read = mapping.apply(table, read_file(path, table, mapping.form, rejected), path)
        tables[table] = conform(table, read, str(path), mapping, rejected)
    return Source(mapping.name or name, tables, mapping)
