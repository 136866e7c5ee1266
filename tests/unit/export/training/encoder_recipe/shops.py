"""Two corpora that a random encoder can learn: a shop with judged products, and a help desk."""

import json

import pyarrow as pa
import pyarrow.parquet as pq

from relatum_export.corpus.folder import Corpus, file_sha256

KINDS = ("lamp", "chair", "cup", "shirt", "knife", "towel", "brush", "plate")
COLOURS = ("red", "blue", "green", "black", "white", "grey", "pink", "brown")
WORDS = (*KINDS, *COLOURS, "for", "home", "where", "is", "my", "it", "lies", "in", "the", "of")


def write_shop(folder):
    """64 products, eight kinds in eight colours; a query is a kind, judged 3 or 0."""
    items = [(f"{kind}-{colour}", kind, colour) for kind in KINDS for colour in COLOURS]
    lines = (
        {"id": name, "title": f"{colour} {kind}", "description": f"{kind} for the home"}
        for name, kind, colour in items
    )
    pairs: list[tuple[object, ...]] = []
    judgments = []
    for name, kind, colour in items:
        split = "valid" if colour in COLOURS[:2] else "train"
        other = KINDS[(KINDS.index(kind) + 1) % len(KINDS)]
        for query, label in ((kind, 3), (other, 0)):
            judgments.append((f"q-{query}", name, label, split))
            given = (f"my {query}", f"{colour} {kind}", None, name, "query_product", float(label))
            pairs.append((*given, split))
        text = f"{kind} for the home"
        pairs.append((f"{colour} {kind}", text, name, name, "title_description", 3.0, split))
    queries = [(f"q-{kind}", f"my {kind}") for kind in KINDS]
    return _corpus(
        folder,
        "shop",
        lines,
        training_pairs=(_PAIRS, pairs),
        queries=(("query_id", "query"), queries),
        judgments=(("query_id", "item_id", "label", "split"), judgments),
    )


def write_desk(folder):
    """Questions and answers without a product."""
    pairs = []
    for i, kind in enumerate(KINDS):
        for colour in COLOURS:
            split = "valid" if (i + COLOURS.index(colour)) % 4 == 3 else "train"
            texts = (f"where is my {colour} {kind}", f"it lies in the {colour} home of {kind}")
            pairs.append((*texts, None, None, "question_answer", 3.0, split))
    return _corpus(folder, "desk", (), training_pairs=(_PAIRS, pairs))


_PAIRS = ("text_a", "text_b", "item_id_a", "item_id_b", "kind", "label", "split")


def _corpus(folder, name, products, **tables):
    folder.mkdir(parents=True)
    lines = "".join(json.dumps(product) + "\n" for product in products)
    if lines:
        (folder / "products.jsonl").write_text(lines, encoding="utf-8")
    for table, (columns, rows) in tables.items():
        data = dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True))
        pq.write_table(pa.table(data), folder / f"{table}.parquet")
    info = {
        "schema_version": 1,
        "name": name,
        "languages": {"en": 1.0},
        "counts": {},
        "sha256": {file.name: file_sha256(file) for file in folder.iterdir()},
    }
    (folder / "corpus.json").write_text(json.dumps(info), encoding="utf-8")
    return Corpus.open(folder)
