"""A corpus folder by hand: three products, two queries, pairs of three kinds."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from relatum_export.corpus.folder import Corpus, file_sha256

PRODUCTS = (
    {"id": "p1", "title": "red shoe", "description": "for running"},
    {"id": "p2", "title": "blue shoe", "attributes": {"size": {"numbers": [42]}}},
    {"id": "p3", "title": "red hat", "attributes": {"wool": {"text": ["soft", "warm"]}}},
)
JUDGMENTS = [
    ("q1", "p2", 0, "valid"),
    ("q1", "p1", 3, "valid"),
    ("q2", "p3", 0, "valid"),
    ("q2", "p1", 0, "valid"),
    ("q3", "p3", 3, "valid"),
    ("q1", "unknown", 3, "valid"),
]
PAIRS = [
    ("running shoe", "red shoe | for running", None, "p1", "query_product", 3.0, "train"),
    ("running shoe", "red hat", None, "p3", "query_product", 0.0, "train"),
    ("red shoe", "for running", "p1", "p1", "title_description", 3.0, "train"),
    ("red shoe", "red hat", "p1", "p3", "co_bought", 3.0, "train"),
    ("red shoe", "blue shoe", "p1", "p2", "co_bought", 3.0, "valid"),
]


@pytest.fixture
def corpus(tmp_path):
    folder = tmp_path / "corpus"
    folder.mkdir()
    lines = "".join(json.dumps(product) + "\n" for product in PRODUCTS)
    (folder / "products.jsonl").write_text(lines, encoding="utf-8")
    write(folder, "queries", ("query_id", "query"), [(f"q{i}", f"query {i}") for i in (1, 2, 3)])
    write(folder, "judgments", ("query_id", "item_id", "label", "split"), JUDGMENTS)
    columns = ("text_a", "text_b", "item_id_a", "item_id_b", "kind", "label", "split")
    write(folder, "training_pairs", columns, PAIRS)
    info = {
        "schema_version": 1,
        "name": "tiny",
        "languages": {"en": 1.0},
        "counts": {},
        "sha256": {file.name: file_sha256(file) for file in folder.iterdir()},
    }
    (folder / "corpus.json").write_text(json.dumps(info), encoding="utf-8")
    return Corpus.open(folder)


def write(folder, name, columns, rows):
    table = pa.table(dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True)))
    pq.write_table(table, folder / f"{name}.parquet")
