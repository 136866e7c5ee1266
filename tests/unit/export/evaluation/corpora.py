"""Small corpora, as `prepare` writes them, for tests of what reads them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from relatum_export.corpus.folder import SCHEMA_VERSION, Corpus, file_sha256

EVENT_SCHEMA = pa.schema(
    [
        ("user_id", pa.string()),
        ("item_id", pa.string()),
        ("event_type", pa.string()),
        ("timestamp", pa.int64()),
        ("session_id", pa.string()),
        ("position", pa.int32()),
        ("split", pa.string()),
    ]
)


def event(user: str | None, item: str, split: str = "train", **more: Any) -> dict[str, Any]:
    return {"user_id": user, "item_id": item, "event_type": "PURCHASE", "split": split, **more}


def write_corpus(
    folder: Path,
    items: Sequence[str],
    events: Sequence[Mapping[str, Any]],
    tables: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    *,
    name: str = "shop",
) -> Corpus:
    folder.mkdir(parents=True, exist_ok=True)
    found = {"items": pa.table({"item_id": pa.array(items, pa.string())})}
    if events:
        found["events"] = pa.Table.from_pylist([dict(e) for e in events], EVENT_SCHEMA)
    for table, rows in (tables or {}).items():
        found[table] = pa.Table.from_pylist([dict(row) for row in rows])
    for table, content in found.items():
        pq.write_table(content, folder / f"{table}.parquet")
    info = {
        "schema_version": SCHEMA_VERSION,
        "name": name,
        "languages": {"en": 1.0},
        "counts": {table: content.num_rows for table, content in found.items()},
        "sha256": {f"{table}.parquet": file_sha256(folder / f"{table}.parquet") for table in found},
    }
    (folder / "corpus.json").write_text(json.dumps(info), encoding="utf-8")
    return Corpus.open(folder)
