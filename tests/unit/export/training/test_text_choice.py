"""What a shop's form of text is chosen by: judged queries, else people's pairs, else nothing."""

import json
import random
import zlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from relatum_export.corpus.folder import Corpus, file_sha256
from relatum_export.corpus.text import TITLE
from relatum_export.training.association_head import probe
from relatum_export.training.association_head.probe import PairProbe
from relatum_export.training.judged import JudgedSplit
from relatum_export.training.products import Catalogue
from relatum_export.training.text_choice import MACRO_F1, choose_form, shop_form

KINDS = ("lamp", "mug", "pen", "chair", "desk", "tent", "kettle", "drill")
DIMENSION = 64


class WordEncoder:
    """A bag of hashed words."""

    dimension = DIMENSION

    def __init__(self, form=None):
        self.text_form = form

    def encode(self, texts, *, kind, progress=None):
        vectors = np.full((len(texts), DIMENSION), 1e-3, np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                vectors[row, zlib.crc32(word.encode()) % DIMENSION] += 1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture
def shop(tmp_path):
    """Products of eight kinds under descriptions of noise; pairs are substitutes within a kind."""
    draw = random.Random(0)  # noqa: S311 - a fixture, not a secret
    folder = tmp_path / "shop"
    folder.mkdir()
    products = [
        {
            "id": f"p{number}",
            "title": KINDS[number % len(KINDS)],
            "description": " ".join(f"noise{draw.randrange(500)}" for _ in range(30)),
        }
        for number in range(160)
    ]
    lines = "".join(json.dumps(product) + "\n" for product in products)
    (folder / "products.jsonl").write_text(lines, encoding="utf-8")
    rows = []
    for number in range(400):
        alike = number % 2 == 0
        a = draw.randrange(160)
        step = len(KINDS) * draw.randrange(1, 10) + (0 if alike else draw.randrange(1, 7))
        said = "substitute" if alike else "sold as something else"
        b = (a + step) % 160
        rows.append((f"p{a}", f"p{b}", said, "valid" if number >= 280 else "train"))
    columns = ("item_id_a", "item_id_b", "relation", "split")
    table = pa.table(dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True)))
    pq.write_table(table, folder / "pairs.parquet")
    return reopened(folder)


def reopened(folder):
    """The corpus of a folder as it stands now."""
    info = {
        "schema_version": 1,
        "name": "shop",
        "languages": {"en": 1.0},
        "counts": {},
        "sha256": {
            file.name: file_sha256(file) for file in folder.iterdir() if file.name != "corpus.json"
        },
    }
    (folder / "corpus.json").write_text(json.dumps(info), encoding="utf-8")
    return Corpus.open(folder)


def test_peoples_pairs_choose_the_form_where_no_query_is_judged(shop):
    choice = shop_form(WordEncoder(), shop, Catalogue.read(shop))

    assert choice.form.name == "title"
    assert choice.measure == MACRO_F1
    assert choice.scores["title"] > choice.scores["full"] + 0.05
    assert str(choice).startswith("title (macro-F1 on valid: title ")


def test_products_bought_together_choose_the_form_where_nobody_judged(shop):
    (shop.path / "pairs.parquet").unlink()
    draw = random.Random(1)  # noqa: S311 - a fixture, not a secret
    lines = [
        {
            "id": f"p{number}",
            "title": f"set number{number % 80}",
            "description": " ".join(f"noise{draw.randrange(500)}" for _ in range(30)),
        }
        for number in range(160)
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (shop.path / "products.jsonl").write_text(text, encoding="utf-8")
    rows = [
        ("set", "set", f"p{number}", f"p{number + 80}", "co_bought", 3.0, "valid")
        for number in range(80)
    ]
    columns = ("text_a", "text_b", "item_id_a", "item_id_b", "kind", "label", "split")
    table = pa.table(dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True)))
    pq.write_table(table, shop.path / "training_pairs.parquet")
    corpus = reopened(shop.path)

    choice = shop_form(WordEncoder(), corpus, Catalogue.read(corpus))

    assert choice.form.name == "title"
    assert choice.measure == "R@10"
    assert choice.scores["title"] > choice.scores["full"]


def test_the_form_that_an_encoder_was_trained_under_stands(shop):
    choice = shop_form(WordEncoder(TITLE), shop, Catalogue.read(shop))

    assert (choice.form, choice.scores) == (TITLE, {})


def test_judged_queries_come_before_pairs(corpus):
    catalogue = Catalogue.read(corpus)
    valid = JudgedSplit.read(corpus, catalogue, "valid")

    choice = choose_form(WordEncoder(), catalogue, valid)

    assert choice.measure == "NDCG@10"
    assert len(choice.scores) == 4


def test_a_shop_without_labels_takes_the_richest_form(shop):
    catalogue = Catalogue.read(shop)

    choice = choose_form(WordEncoder(), catalogue, JudgedSplit.read(shop, catalogue, "valid"))

    assert (choice.form.name, choice.scores) == ("full", {})


def test_labels_of_one_kind_choose_nothing(shop):
    table = shop.table("pairs").to_pandas()
    table["relation"] = "substitute"
    pq.write_table(pa.Table.from_pandas(table), shop.path / "pairs.parquet")

    assert PairProbe.read(shop, Catalogue.read(shop)) is None


def test_a_label_that_the_draw_of_train_misses_is_not_judged(shop, monkeypatch):
    table = shop.table("pairs").to_pandas()
    for split in ("train", "valid"):
        table.loc[table.index[table["split"] == split][1], "relation"] = "zenith"
    pq.write_table(pa.Table.from_pandas(table), shop.path / "pairs.parquet")
    monkeypatch.setattr(probe, "MAX_TRAIN", 40)

    found = PairProbe.read(shop, Catalogue.read(shop))

    assert found is not None
    assert "zenith" not in found.train.labels, "the case needs a draw without it"
    assert set(found.valid.labels) == set(found.train.labels)
    assert 0 < found.measure(WordEncoder(), TITLE) <= 1
