"""A shop of coloured things, judged queries, and a small encoder of random weights."""

from typing import Any

import pytest

from relatum_export.training.bases import resolve
from relatum_export.training.encoder import TorchEncoder, load_sentence_transformer
from tests.unit.export.evaluation.corpora import write_corpus
from tests.unit.export.training.tiny_encoder import write_tiny_encoder

COLOURS = ("red", "blue", "green", "black", "white", "grey")
THINGS = ("shoe", "mug", "lamp", "pen", "chair", "table", "knife", "hat")
FOREIGN = ("чай", "茶", "お茶")


@pytest.fixture(scope="package")
def shop(tmp_path_factory):
    items = [f"{colour} {thing} {n}" for colour in COLOURS for thing in THINGS for n in range(3)]
    queries, judgments = [], []
    for at, thing in enumerate(THINGS):
        split = "valid" if at % 2 else "train"
        queries.append({"query_id": f"q{at}", "query": f"a {thing}", "split": split})
        judgments += [
            {
                "query_id": f"q{at}",
                "item_id": item,
                "label": 3 * (item.split()[1] == thing),
                "split": split,
            }
            for item in items[at :: len(THINGS) + 1]
        ]
    tables: dict[str, list[Any]] = {"queries": queries, "judgments": judgments}
    return write_corpus(tmp_path_factory.mktemp("shop") / "corpus", items, (), tables)


@pytest.fixture(scope="package")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny") / "base"
    return write_tiny_encoder(folder, [*COLOURS, *THINGS, *FOREIGN, "a"], layers=4)


@pytest.fixture
def model(tiny):
    return load_sentence_transformer(resolve(str(tiny)))


@pytest.fixture
def encoder(tiny, model):
    return TorchEncoder.wrap(resolve(str(tiny)), model)
