"""A CORPUS folder on disk: what `prepare` writes and every later command reads."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from relatum_export.errors import InputError

SCHEMA_VERSION = 1
TABLES = (
    "items",
    "events",
    "queries",
    "judgments",
    "candidates",
    "pairs",
    "bundles",
    "cases",
    "faq",
    "reviews",
    "training_pairs",
)


@dataclass(frozen=True, slots=True)
class Corpus:
    """One shop's validated tables.

    Attributes:
        path: the folder.
        name: the set's name, for rows of results (the source folder's name).
        languages: share of items by ISO 639-1 code, largest first.
        counts: rows by table.
        sha256: hash by file name; together they identify the data.
    """

    path: Path
    name: str
    languages: Mapping[str, float]
    counts: Mapping[str, int]
    sha256: Mapping[str, str]
    info: Mapping[str, Any]

    @classmethod
    def open(cls, path: Path, *, verify: bool = True) -> "Corpus":
        """Read ``corpus.json`` and check each file against its hash.

        Raises:
            InputError: not a corpus, another schema version, or a file missing or altered.
        """
        manifest = path / "corpus.json"
        if not manifest.is_file():
            raise InputError(
                f"{path} is not a corpus: it has no corpus.json; make one with "
                f"`relatum-export prepare --data FOLDER --out {path}`"
            )
        try:
            info = json.loads(manifest.read_text(encoding="utf-8"))
        except ValueError as error:
            raise InputError(f"{manifest} is damaged ({error}); run prepare again") from error
        if info.get("schema_version") != SCHEMA_VERSION:
            raise InputError(
                f"{manifest} has schema version {info.get('schema_version')}, this relatum reads "
                f"{SCHEMA_VERSION}; run prepare again"
            )
        for name, expected in info["sha256"].items():
            file = path / name
            if not file.is_file():
                raise InputError(f"{file} is missing; run prepare again")
            if verify and file_sha256(file) != expected:
                raise InputError(f"{file} was altered after prepare; run prepare again")
        return cls(path, info["name"], info["languages"], info["counts"], info["sha256"], info)

    def has(self, table: str) -> bool:
        """Whether the source had this table."""
        return f"{table}.parquet" in self.sha256

    def table(self, table: str, columns: list[str] | None = None) -> pa.Table:
        """Read one table.

        Raises:
            InputError: the corpus has no such table.
        """
        if not self.has(table):
            raise InputError(f"corpus {self.path} has no {table}; its source gave none")
        return pq.read_table(self.path / f"{table}.parquet", columns=columns)

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the tables' hashes: the same data gives the same value."""
        text = "\n".join(f"{k} {v}" for k, v in sorted(self.sha256.items()))
        return hashlib.sha256(text.encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, lower-case hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
