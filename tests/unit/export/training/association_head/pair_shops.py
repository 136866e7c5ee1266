"""A small shop whose pairs can be told apart, and an encoder of random weights for it."""

import json
from pathlib import Path

from relatum_export.console import Reporter
from relatum_export.corpus.folder import Corpus
from relatum_export.training.association_head.settings import PairSettings
from tests.unit.export.evaluation.corpora import write_corpus

QUIET = Reporter(as_json=True)
COLOURS = ("red", "blue", "green", "black", "white", "grey")
NOUNS = ("printer", "toner", "lamp", "bulb", "desk", "chair")
TOGETHER = {frozenset(pair) for pair in (("printer", "toner"), ("lamp", "bulb"))}
SMALL = PairSettings(
    text_form="title",
    members=2,
    hidden=16,
    epochs=8,
    batch_pairs=32,
    learning_rate=0.02,
    bins=4,
    word_members=1,
    trees=10,
)


def write_shop(folder: Path, products, tables=None, events=(), *, name="shop") -> Corpus:
    """A corpus of products as they stand in `products.jsonl`."""
    ids = [product["id"] for product in products]
    corpus = write_corpus(folder, ids, events, tables, name=name)
    lines = "".join(json.dumps(product, ensure_ascii=False) + "\n" for product in products)
    (folder / "products.jsonl").write_text(lines, encoding="utf-8")
    return corpus


def office_products():
    return [
        {"id": f"{colour}-{noun}", "title": f"{colour} {noun}"}
        for colour in COLOURS
        for noun in NOUNS
    ]


def relation_of(a: str, b: str) -> str:
    (_, noun_a), (_, noun_b) = a.split("-"), b.split("-")
    if noun_a == noun_b:
        return "substitute"
    return "complement" if frozenset((noun_a, noun_b)) in TOGETHER else "other"


def office_pairs():
    """Each product with each other; the colour of the first decides the split."""
    splits = dict(zip(COLOURS, ("train", "train", "train", "valid", "valid", "test"), strict=True))
    ids = [product["id"] for product in office_products()]
    return [
        {
            "item_id_a": a,
            "item_id_b": b,
            "relation": relation_of(a, b),
            "split": splits[a.split("-")[0]],
        }
        for a in ids
        for b in ids
        if a != b
    ]


def office(folder: Path) -> Corpus:
    return write_shop(folder, office_products(), {"pairs": office_pairs()}, name="office")
