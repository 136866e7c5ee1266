"""Small corpora, as `prepare` writes them, and an encoder whose vectors are given by hand."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from relatum_export.console import Reporter
from relatum_export.corpus.folder import SCHEMA_VERSION, Corpus, file_sha256
from relatum_export.corpus.text import TITLE, TextForm
from relatum_export.evaluation.encoding import CachedEncoder
from relatum_export.evaluation.protocols.base import Protocol, Task
from relatum_export.evaluation.rows import Outcome
from relatum_export.evaluation.systems import BehaviourSpace, EncoderSystem
from relatum_export.training.batching import Kind, Progress
from relatum_export.training.products import Catalogue

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
SPLITS = ("valid", "test")


def event(user: str | None, item: str, split: str = "train", **more: Any) -> dict[str, Any]:
    return {"user_id": user, "item_id": item, "event_type": "PURCHASE", "split": split, **more}


def write_corpus(
    folder: Path,
    items: Sequence[str] = (),
    events: Sequence[Mapping[str, Any]] = (),
    tables: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    *,
    name: str = "shop",
    unused: Mapping[str, str] | None = None,
) -> Corpus:
    """An item's title is its id."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {}
    if items:
        found["items"] = pa.table({"item_id": pa.array(items, pa.string())})
        lines = "".join(json.dumps({"id": item, "title": item}) + "\n" for item in items)
        (folder / "products.jsonl").write_text(lines, encoding="utf-8")
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
        "unused": dict(unused or {}),
    }
    (folder / "corpus.json").write_text(json.dumps(info), encoding="utf-8")
    return Corpus.open(folder)


class GivenVectors:
    """An encoder that knows the vectors of its texts."""

    text_form: TextForm | None = None

    def __init__(self, vectors: Mapping[str, Sequence[float]]) -> None:
        self._vectors = vectors
        self.dimension = len(next(iter(vectors.values())))

    def encode(
        self, texts: Sequence[str], *, kind: Kind, progress: Progress | None = None
    ) -> NDArray[np.float32]:
        del kind, progress
        rows = np.array([self._vectors[text] for text in texts], np.float32)
        unit: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit


def encoder_system(
    vectors: Mapping[str, Sequence[float]],
    forms: tuple[TextForm, ...] = (TITLE,),
    name: str = "zero-shot",
) -> EncoderSystem:
    cached = CachedEncoder(GivenVectors(vectors), "given", None, name, Reporter(as_json=True))
    return EncoderSystem(name, cached, forms)


def task_of(
    corpus: Corpus,
    *systems: EncoderSystem,
    splits: tuple[str, ...] = SPLITS,
    behaviour: BehaviourSpace | None = None,
) -> Task:
    catalogue = Catalogue.read(corpus) if corpus.has("items") else None
    return Task(corpus, catalogue, splits, systems, behaviour)


def figures(protocol: Protocol, task: Task) -> dict[str, Outcome]:
    """Outcomes by SPLIT/MEASURE/SYSTEM."""
    assert protocol.applies(task.corpus)
    return {f"{o.split}/{o.measure}/{o.system}": o for o in protocol.measure(task)}
