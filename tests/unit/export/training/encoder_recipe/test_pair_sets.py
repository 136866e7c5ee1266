"""The train pairs by corpus and kind."""

import pytest

from relatum_export.corpus.text import TITLE
from relatum_export.errors import InputError
from relatum_export.training.encoder_recipe.pair_sets import (
    pair_sets,
    refuse_too_few,
    train_pairs,
    with_two_texts,
)
from relatum_export.training.encoder_recipe.sources import Source, read_sources
from relatum_export.training.pairs import Pair
from relatum_export.training.settings import TrainSettings
from tests.unit.export.training.encoder_recipe.pair_sources import product, source_of


def test_each_kind_is_a_set_and_a_kind_of_several_grades_is_one_with_its_grades():
    pairs = [Pair("a", "b", 1.0, "x"), Pair("a", "c", 0.0, "x"), Pair("d", "e", 1.0, "y")]

    sets = pair_sets(source_of(), pairs)

    assert [(one.name, len(one.pairs)) for one in sets] == [
        ("shop/x", 1),
        ("shop/x/graded", 2),
        ("shop/y", 1),
    ]


def test_a_pair_of_equal_or_empty_texts_teaches_nothing():
    source = source_of([product("red shoe"), product("red shoe")], form=TITLE)
    pairs = [Pair(0, 1, 1.0, "x"), Pair("", 0, 1.0, "x"), Pair("shoe", 0, 1.0, "x")]

    assert with_two_texts(pairs, source) == [pairs[2]]


def test_the_pairs_of_a_corpus_are_those_of_train(corpus):
    (source,) = read_sources([corpus])

    kinds = {(pair.kind, pair.label) for pair in train_pairs(source)}

    assert kinds == {
        ("query_product", 1.0),
        ("query_product", 0.0),
        ("title_description", 1.0),
        ("co_bought", 1.0),
    }


def test_corpora_without_train_pairs_are_refused():
    with pytest.raises(InputError, match="no train pairs to learn from"):
        refuse_too_few([[Pair("a", "b", 0.0, "x")]], [source_of()], TrainSettings())


def test_fewer_pairs_than_a_batch_are_refused():
    pairs = [Pair("a", f"b{i}", 1.0, "x") for i in range(5)]

    with pytest.raises(InputError, match="only 5 train pairs"):
        refuse_too_few([pairs], [source_of()], TrainSettings(batch_size=8))


def test_two_corpora_of_one_name_are_refused(corpus):
    with pytest.raises(InputError, match="two corpora are named tiny"):
        read_sources([corpus, corpus])


def test_a_corpus_without_products_is_read_for_its_questions(corpus):
    (corpus.path / "products.jsonl").unlink()

    (source,) = read_sources([corpus])

    assert isinstance(source, Source)
    assert source.catalogue.ids == ()
