"""Typing errors and products with less text."""

import pytest

from relatum_export.corpus.text import FULL, TITLE
from relatum_export.training.encoder_recipe.noise import (
    NEIGHBOURS,
    Noise,
    edit_word,
    mistype,
)
from relatum_export.training.encoder_recipe.pair_sets import PairSet
from relatum_export.training.encoder_recipe.tables import RunTexts, Sides, make_table
from relatum_export.training.pairs import Pair
from tests.unit.export.training.encoder_recipe.pair_sources import product, seeded, source_of

DRAW = seeded()


def test_an_edit_changes_one_letter_or_two_beside_each_other_and_never_the_first():
    edited = {edit_word("keyboard", DRAW) for _ in range(300)}

    assert all(word[0] == "k" and abs(len(word) - 8) <= 1 for word in edited)
    assert {"kyeboard"[:1] + "yeboard", "kyboard", "keeyboard"} <= edited
    assert any(len(word) == 8 and word[1:] != "eyboard" for word in edited)


def test_keys_are_beside_each_other_or_not():
    assert "w" in NEIGHBOURS["q"]
    assert "a" in NEIGHBOURS["q"]
    assert "p" not in NEIGHBOURS["q"]
    assert all(key in NEIGHBOURS[other] for key, found in NEIGHBOURS.items() for other in found)


@pytest.mark.parametrize(("share", "changed"), [(0.0, 1), (0.5, 2), (1.0, 4)])
def test_a_share_of_the_words_is_mistyped_and_one_at_least(share, changed):
    text = "yellow winter running shoes"
    other = mistype(text, share, seeded(5))

    differ = sum(a != b for a, b in zip(text.split(), other.split(), strict=True))
    assert differ <= changed
    assert differ >= 1


@pytest.mark.parametrize("text", ["儿童 玩具", "42 a-b X9", ""])
def test_what_is_not_typed_letter_by_letter_is_left_alone(text):
    assert mistype(text, 1.0, DRAW) == text


def test_queries_are_mistyped_and_products_lose_fields_but_neither_in_the_clean_texts():
    shoe = product("red shoe", "for running")
    source = source_of([shoe], form=FULL)
    pairs = [Pair("running shoes", 0, 1.0, "query_product")] * 60
    one = PairSet(source, "query_product", False, tuple(pairs))
    texts = RunTexts()

    table = make_table(one, pairs, Sides(source), texts, noise=Noise(0.5, 0.5, 0.5), seed=0)

    assert len(set(table.anchors)) > 5
    assert table.anchors.count("running shoes") > 15
    assert set(table.positives) == {
        "red shoe",
        "red shoe | for running",
        "red shoe | maker | for running",
    }
    assert len(set(table.anchor_texts)) == len(set(table.positive_texts)) == 1


def test_the_same_seed_gives_the_same_noise():
    source = source_of([product("red shoe", "for running")], form=TITLE)
    pairs = [Pair("running shoes", 0, 1.0, "query_product")] * 30
    one = PairSet(source, "query_product", False, tuple(pairs))

    first, second = (
        make_table(one, pairs, Sides(source), RunTexts(), noise=Noise(0.5, 0.5, 0.5), seed=1)
        for _ in range(2)
    )

    assert (first.anchors, first.positives) == (second.anchors, second.positives)
