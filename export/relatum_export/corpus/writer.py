"""Writing a corpus folder: beside its place first, then moved there in one step."""

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from relatum_export.corpus.folder import SCHEMA_VERSION, TABLES, file_sha256
from relatum_export.corpus.schema import SPLITS
from relatum_export.errors import InputError

MANIFEST = "corpus.json"


class CorpusWriter:
    """Collects the files of one corpus; nothing is seen at ``out`` before `commit`.

    Raises:
        InputError: ``out`` cannot be written, holds something else than a corpus, or holds a
            corpus and ``force`` is not set.
    """

    def __init__(self, out: Path, *, force: bool) -> None:
        self._out = out
        self._sha256: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._splits: dict[str, dict[str, int]] = {}
        self._check(force)
        self._folder = out.parent / f".{out.name}.partial-{os.getpid()}"
        try:
            self._folder.mkdir(parents=True)
        except OSError as error:
            raise InputError(f"{out}: cannot be written ({error.strerror})") from error

    def _check(self, force: bool) -> None:
        out = self._out
        if not out.exists():
            return
        if not out.is_dir():
            raise InputError(f"{out} is a file; --out names a folder")
        if not any(out.iterdir()):
            return
        if not (out / MANIFEST).is_file():
            raise InputError(f"{out} is not empty and not a corpus; choose another --out")
        if not force:
            raise InputError(f"{out} already holds a corpus; give --force to replace it")

    @property
    def counts(self) -> Mapping[str, int]:
        """Rows by table or file of lines written so far."""
        return self._counts

    @property
    def splits(self) -> Mapping[str, Mapping[str, int]]:
        """Rows by split of the tables that have one."""
        return self._splits

    def table(self, name: str, table: pa.Table) -> None:
        """Write one table as ``NAME.parquet``."""
        if name not in TABLES:
            raise ValueError(f"a corpus has no table {name!r}")
        path = self._folder / f"{name}.parquet"
        pq.write_table(table, path, compression="zstd")
        self._counts[name] = table.num_rows
        if "split" in table.column_names:
            counted = table["split"].value_counts().to_pylist()
            by_split = {entry["values"]: entry["counts"] for entry in counted}
            self._splits[name] = {s: by_split.get(s, 0) for s in SPLITS}
        self._finish(path)

    def lines(self, name: str, lines: Iterable[str]) -> int:
        """Write a file of lines; returns how many."""
        path = self._folder / name
        count = 0
        with path.open("w", encoding="utf-8", newline="\n") as stream:
            for line in lines:
                stream.write(line + "\n")
                count += 1
        self._counts[name] = count
        self._finish(path)
        return count

    def text(self, name: str, text: str) -> None:
        """Write a file for people; `corpus.json` does not vouch for it."""
        (self._folder / name).write_text(text, encoding="utf-8")
        _sync(self._folder / name)

    def _finish(self, path: Path) -> None:
        _sync(path)
        self._sha256[path.name] = file_sha256(path)

    def commit(self, info: Mapping[str, Any]) -> Mapping[str, Any]:
        """Write ``corpus.json`` last and move the folder to its place; returns its content."""
        manifest = {
            "schema_version": SCHEMA_VERSION,
            **info,
            "counts": self._counts,
            "splits": self._splits,
            "sha256": self._sha256,
        }
        self.text(MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=2) + "\n")
        _sync(self._folder)
        old = self._out.parent / f".{self._out.name}.old-{os.getpid()}"
        if self._out.exists():
            self._out.rename(old)
        try:
            self._folder.rename(self._out)
        except OSError:
            if old.exists():
                old.rename(self._out)
            raise
        _sync(self._out.parent)
        shutil.rmtree(old, ignore_errors=True)
        return manifest

    def close(self) -> None:
        """Take away what `commit` has not moved; safe twice."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
