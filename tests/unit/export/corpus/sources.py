"""Small sources in the common schema, and the command over them."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from relatum_export.__main__ import main


def write_set(folder: Path, **tables: dict[str, list[Any]]) -> Path:
    folder.mkdir(parents=True)
    for name, columns in tables.items():
        pq.write_table(pa.table(columns), folder / f"{name}.parquet")
    return folder


def prepare(*arguments: object) -> int:
    return main(["prepare", *map(str, arguments)])
