"""The features of a pair, by hand."""

import math

import pytest

from relatum_export.training.association_head.lexical import (
    FEATURES,
    PairText,
    ProductFacts,
    WordWeights,
    pair_features,
    words_of,
)

EQUAL = WordWeights({}, 1.0)  # every word weighs the same


def features(a, b, weights=EQUAL):
    found = pair_features(PairText.of(a), PairText.of(b), weights)
    assert len(found) == len(FEATURES)
    return dict(zip(FEATURES, found, strict=True))


def titles(a, b, weights=EQUAL):
    return features(ProductFacts(a), ProductFacts(b), weights)


def test_words_are_runs_of_letters_and_digits_and_pairs_of_han_or_kana():
    assert words_of("usb 3.0 hub, x-1") == ["usb", "3.0", "hub", "x", "1"]
    assert words_of("台灯led灯") == ["台灯", "led", "灯"]
    assert words_of("ボールペン") == ["ボー", "ール", "ルペ", "ペン"]


def test_equal_products_share_everything_and_miss_nothing():
    same = titles("Sony KX-100 radio", "sony  kx-100 RADIO")

    assert same["title_cosine"] == pytest.approx(1)
    assert same["title_a_in_b"] == same["title_b_in_a"] == same["code_shared"] == 1
    assert same["missing_a"] == same["missing_sum_b"] == 0
    assert same["first_word"] == 1


def test_a_code_is_found_however_it_is_spelled():
    spelled = titles("phone kx-tg1032s", "panasonic kxtg1032s phone")
    other = titles("phone kx-tg1032s", "panasonic kxtg1061m phone")

    assert (spelled["code_a_best"], spelled["code_b_best"]) == (1, 1)
    assert other["code_a_best"] == pytest.approx(len("kxtg10") / len("kxtg1032s"))
    assert (spelled["code_shared"], other["code_shared"]) == (1, 0)


def test_a_code_of_letters_needs_a_digit_and_a_year_is_none():
    plain = titles("word 2007 upgrade", "word 2007")

    assert (plain["codes_a"], plain["codes_b"]) == (0, 0)
    assert plain["numbers"] == 1


def test_a_pair_turned_round_has_its_sides_exchanged():
    a, b = ProductFacts("word 2007 upgrade", price=20.0), ProductFacts("word 2003", price=10.0)
    forth, back = features(a, b), features(b, a)

    for name in FEATURES:
        if name.endswith("_a") and name.replace("_a", "_b") in FEATURES:
            assert forth[name] == back[name.replace("_a", "_b")]
    assert forth["price_ratio"] == -back["price_ratio"] == pytest.approx(math.log(2) / 2)
    assert forth["price_distance"] == back["price_distance"]
    assert forth["numbers_missing_a"] == 1


def test_a_rare_word_that_is_missing_weighs_more_than_a_common_one():
    catalogue = [PairText.of(ProductFacts(f"pen {i}")) for i in range(20)]
    weights = WordWeights.of(catalogue)

    rare = titles("pen", "pen zz9", weights)
    common = titles("zz9", "zz9 pen", weights)

    assert rare["missing_b"] == 1 > common["missing_b"] > 0


def test_words_of_the_description_cover_what_the_other_title_has():
    found = features(
        ProductFacts("lamp", description="with a <b>9 W</b> bulb"), ProductFacts("bulb")
    )

    assert found["title_b_in_a"] == 1
    assert found["title_a_in_b"] == 0


@pytest.mark.parametrize(
    ("a", "b", "value", "known"),
    [
        (ProductFacts("x", brand="Sony"), ProductFacts("y", brand="SONY"), 1.0, 1.0),
        (ProductFacts("x", brand="Sony"), ProductFacts("y", brand="LG"), -1.0, 1.0),
        (ProductFacts("x", brand="Sony"), ProductFacts("a sony radio"), 0.5, 1.0),
        (ProductFacts("a radio"), ProductFacts("y", brand="Sony"), -0.5, 1.0),
        (ProductFacts("x"), ProductFacts("y"), 0.0, 0.0),
    ],
)
def test_a_brand_is_compared_where_it_is_known(a, b, value, known):
    found = features(a, b)

    assert (found["brand"], found["brand_known"]) == (value, known)


def test_products_without_any_text_have_finite_features():
    assert all(math.isfinite(value) for value in titles("", "").values())
    assert titles("", "lamp")["first_word"] == 0


def test_categories_are_equal_unequal_or_unknown():
    pen, pencil, none = (ProductFacts("x", category=c) for c in ("Pens", "Pencils", ""))

    assert features(pen, pen)["category"] == 1
    assert features(pen, pencil)["category"] == -1
    assert features(pen, none)["category"] == 0
