"""Titles and their categories, split so that valid asks for titles not seen in training."""

import pytest

from relatum_export.corpus.text import ProductText
from relatum_export.training.products import Catalogue
from relatum_export.training.shelves import shelved

WORDS = tuple(a + b for a in "bcdfgh" for b in ("read", "eans", "orn", "ilk", "oap"))


def shop(*products):
    return Catalogue(tuple(str(row) for row in range(len(products))), products)


@pytest.fixture
def products():
    return [
        ProductText(title=f"{word} {size} oz", categories=[f"shelf of {word}"])
        for word in WORDS
        for size in (8, 12, 16)
    ]


def test_every_title_is_in_one_split(products):
    train, valid = shelved(shop(*products), "train"), shelved(shop(*products), "valid")

    assert sorted(train + valid) == sorted((p.title, p.categories[0]) for p in products)
    assert train
    assert valid


def test_titles_that_differ_in_numbers_alone_are_never_on_both_sides(products):
    words = {
        split: {title.split()[0] for title, _ in shelved(shop(*products), split)}
        for split in ("train", "valid")
    }

    assert not words["train"] & words["valid"]


def test_a_title_under_several_categories_says_nothing(products):
    twice = ProductText(title=products[0].title, categories=["elsewhere"])

    found = shelved(shop(*products, twice), "train") + shelved(shop(*products, twice), "valid")

    assert products[0].title not in dict(found)


def test_few_categories_make_no_pairs():
    few = [ProductText(title=f"{word}", categories=["food"]) for word in WORDS]

    assert shelved(shop(*few), "train") == []
