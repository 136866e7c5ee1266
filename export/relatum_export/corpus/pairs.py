"""The pairs of texts that an encoder is trained on."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import pyarrow as pa

from relatum_export.corpus.bought_together import baskets, sample_pairs
from relatum_export.corpus.normalise import normalise
from relatum_export.corpus.product import Product
from relatum_export.corpus.schema import FURTHER_ANSWERS
from relatum_export.corpus.splits import hash_split
from relatum_export.corpus.text import FULL, clean, render

MAX_CO_BOUGHT = {"train": 200_000, "valid": 20_000}
MAX_REVIEW_CHARS = 600
MAX_DESCRIPTION_CHARS = 600
TRUE_LABEL = 3.0  # of a pair that nobody graded: it belongs together
SPLITS = ("train", "valid")
SCHEMA = pa.schema(
    [
        ("text_a", pa.string()),
        ("text_b", pa.string()),
        ("item_id_a", pa.string()),
        ("item_id_b", pa.string()),
        ("kind", pa.string()),
        ("label", pa.float32()),
        ("split", pa.string()),
    ]
)

Tables: TypeAlias = Mapping[str, pa.Table]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts that belong together as far as ``label`` says (0..3; candidates 0..2)."""

    text_a: str
    text_b: str
    item_id_a: str | None
    item_id_b: str | None
    kind: str
    label: float
    split: str


def training_pairs(tables: Tables, catalogue: Sequence[Product]) -> tuple[pa.Table, dict[str, int]]:
    """All pairs of train and valid, each made of that split's rows alone.

    A pair of train whose two texts are also a pair of valid or test is left out.

    Returns:
        the table (columns of ``SCHEMA``), and how many pairs were left out by reason.
    """
    texts = {product.item_id: render(FULL, product.text) for product in catalogue}
    held_out = {_key(pair) for pair in _judged(tables, texts) if pair.split != "train"}
    left_out: Counter[str] = Counter()
    seen: set[tuple[str, str, str]] = set()
    columns: dict[str, list[object]] = {name: [] for name in SCHEMA.names}
    for pair in _all(tables, catalogue, texts):
        key = (pair.kind, pair.text_a, pair.text_b)
        if pair.split not in SPLITS:
            continue
        if not pair.text_a or not pair.text_b:
            left_out["without a text"] += 1
        elif key in seen:
            left_out["repeated"] += 1
        elif pair.split == "train" and pair.kind in JUDGED and _key(pair) in held_out:
            left_out["also in valid or test"] += 1
        else:
            seen.add(key)
            for name in SCHEMA.names:
                columns[name].append(getattr(pair, name))
    return pa.table(columns, schema=SCHEMA), dict(left_out)


JUDGED = ("query_product", "question_answer")


def _key(pair: Pair) -> tuple[str, str]:
    return normalise(pair.text_a), normalise(pair.text_b)


def _all(tables: Tables, catalogue: Sequence[Product], texts: Mapping[str, str]) -> Iterator[Pair]:
    yield from _judged(tables, texts)
    yield from _co_bought(tables, catalogue, texts)
    yield from _reviews(tables, texts)
    yield from _title_description(tables, catalogue)


def _judged(tables: Tables, texts: Mapping[str, str]) -> Iterator[Pair]:
    """Query and product, question and candidate, question and answer; labels as given."""
    queries: dict[str, str] = {}
    if "queries" in tables:
        names = ("query_id", "query")
        queries = dict(zip(*(tables["queries"][n].to_pylist() for n in names), strict=True))
    for query, item, label, split in _rows(tables, "judgments", "query_id", "item_id", "label"):
        if query in queries and item in texts:
            yield Pair(
                clean(queries[query]), texts[item], None, item, "query_product", label, split
            )
    for query, text, label, split in _rows(tables, "candidates", "query_id", "candidate", "label"):
        if query in queries:
            yield Pair(
                clean(queries[query]), clean(text), None, None, "question_answer", label, split
            )
    for table in ("faq", FURTHER_ANSWERS):
        for question, answer, split in _rows(tables, table, "question", "answer"):
            kind = "question_answer"
            yield Pair(clean(question), clean(answer), None, None, kind, TRUE_LABEL, split)


def _co_bought(
    tables: Tables, catalogue: Sequence[Product], texts: Mapping[str, str]
) -> Iterator[Pair]:
    groups = {product.item_id: product.group_id for product in catalogue}
    known: set[tuple[str, str]] = set()
    for split in SPLITS:
        found = baskets(tables.get("events"), tables.get("bundles"), split)
        for a, b in sample_pairs(found, groups, MAX_CO_BOUGHT[split]):
            if (a, b) not in known:
                known.add((a, b))
                yield Pair(texts[a], texts[b], a, b, "co_bought", TRUE_LABEL, split)


def _reviews(tables: Tables, texts: Mapping[str, str]) -> Iterator[Pair]:
    for table in ("events", "reviews"):
        for text, item, split in _rows(tables, table, "review_text", "item_id"):
            if text and item in texts:
                short = clean(text)[:MAX_REVIEW_CHARS].rstrip()
                yield Pair(short, texts[item], None, item, "review_product", TRUE_LABEL, split)


def _title_description(tables: Tables, catalogue: Sequence[Product]) -> Iterator[Pair]:
    """Split as the items are, else by a hash of the title: 80 % train, the rest valid."""
    given: dict[str, str] = {}
    if "items" in tables and "split" in tables["items"].column_names:
        given = dict(_rows(tables, "items", "item_id"))
    for product in catalogue:
        title = clean(product.title)
        text = clean(product.description)[:MAX_DESCRIPTION_CHARS].rstrip()
        if not text or normalise(text) == normalise(title):
            continue
        split = given.get(product.item_id)
        if split is None:
            split = "train" if hash_split(normalise(title)) == "train" else "valid"
        own = product.item_id
        yield Pair(title, text, own, own, "title_description", TRUE_LABEL, split)


def _rows(tables: Tables, table: str, *names: str) -> Iterator[tuple]:  # type: ignore[type-arg]
    """Rows of some columns and ``split``; none where the table is not there."""
    if table in tables:
        columns = (tables[table][name].to_pylist() for name in (*names, "split"))
        yield from zip(*columns, strict=True)
