"""Which words of a shop are learned from, and how copies are damaged."""

import random

import pytest

from relatum_export.corpus.text import FULL
from relatum_export.training.pretraining.denoising import without_words
from relatum_export.training.pretraining.texts import OwnText, own_texts
from relatum_export.training.products import Catalogue
from tests.unit.export.evaluation.corpora import write_corpus


@pytest.fixture
def shop(tmp_path):
    tables = {
        "queries": [
            {"query_id": f"q{n}", "query": f"query {n}", "split": "test" if n % 2 else "train"}
            for n in range(40)
        ],
        "reviews": [{"review_text": f"review <b>{n}</b>", "split": "train"} for n in range(200)],
    }
    return write_corpus(tmp_path / "corpus", [f"item {n}" for n in range(30)], (), tables)


def texts(shop, **more):
    settings = {"max_texts": 1000, "seed": 0, **more}
    return own_texts([shop], [Catalogue.read(shop)], FULL, **settings)


def test_products_reviews_and_train_queries_are_learned_from_once_each(shop):
    found = texts(shop)
    every = found.train + found.held_out

    assert len(every) == len(set(every)) == 30 + 20 + 200
    assert OwnText("query 0", "query") in every
    assert OwnText("review 7", "document") in every
    assert not any(text.text == "query 1" for text in every)


def test_small_sources_are_kept_whole_where_the_draw_is_short(shop):
    found = texts(shop, max_texts=80)
    every = found.train + found.held_out

    assert len(every) == 80
    assert sum(text.kind == "query" for text in every) == 20


def test_the_draw_repeats_itself_and_follows_the_seed(shop):
    assert texts(shop, max_texts=80) == texts(shop, max_texts=80)
    assert texts(shop, max_texts=80) != texts(shop, max_texts=80, seed=1)


def test_nothing_held_out_is_learned_from(shop):
    found = texts(shop)

    assert found.held_out
    assert not set(found.held_out) & set(found.train)


@pytest.mark.parametrize("text", ["one two three four five six seven eight", "苹果手机壳透明防摔"])
def test_a_damaged_copy_is_shorter_in_the_same_order_and_never_empty(text):
    draw = random.Random(0)  # noqa: S311 - noise, not a secret
    for _ in range(50):
        copy = without_words(text, 0.6, draw)
        letters = iter(text.replace(" ", ""))

        assert 0 < len(copy) <= len(text)
        assert all(letter in letters for letter in copy.replace(" ", ""))


def test_about_the_given_share_of_words_is_deleted():
    words = " ".join(f"w{n}" for n in range(2000))

    draw = random.Random(0)  # noqa: S311 - noise, not a secret
    left = len(without_words(words, 0.6, draw).split())

    assert 700 < left < 900
