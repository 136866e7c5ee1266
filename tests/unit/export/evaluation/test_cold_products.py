"""Cold products: later purchases of what nobody had bought in train."""

import numpy as np
import pytest

from relatum_export.evaluation.protocols.cold_products import COLD_PRODUCTS, ColdProducts
from tests.unit.export.evaluation.corpora import (
    encoder_system,
    event,
    figures,
    task_of,
    write_corpus,
)

# A hundred products on a quarter circle; p00 and p01 were bought in train.
ITEMS = [f"p{i:02}" for i in range(100)]
ANGLES = np.linspace(0, np.pi / 2, 100)
VECTORS = {item: (np.cos(a), np.sin(a)) for item, a in zip(ITEMS, ANGLES, strict=True)}
EVENTS = [
    event("u", "p00"),
    event("v", "p01"),
    event("u", "p01", "test"),  # not cold: v bought it in train
    event("u", "p40", "test"),
    event("u", "p40", "test"),
    event("u", "p99", "test"),
    event("v", "p60", "valid"),
    event("new", "p50", "test"),  # a shopper that train does not know
]


def test_a_case_is_a_known_shopper_with_the_distinct_cold_products_bought(tmp_path):
    data = ColdProducts.read(write_corpus(tmp_path, ITEMS, EVENTS))

    (case,) = data.cases["test"]
    assert (case.user, case.history.tolist(), case.bought.tolist()) == ("u", [0], [40, 99])
    assert [c.user for c in data.cases["valid"]] == ["v"]
    assert data.cold.tolist() == [40, 50, 60, 99]


def test_recall_is_over_the_whole_catalogue_and_over_the_cold_alone(tmp_path):
    corpus = write_corpus(tmp_path, ITEMS, EVENTS)

    found = figures(COLD_PRODUCTS, task_of(corpus, encoder_system(VECTORS)))

    # From p00 the fifty nearest are p00..p49: p40 is found, p99 is not.
    assert found["test/R@50/cold/zero-shot"].value == pytest.approx(1 / 2)
    assert found["test/R@50/cold-alone/zero-shot"].value == 1  # only four are cold
    assert found["test/R@50/cold/random"].value == pytest.approx(50 / 100)


def test_a_return_in_train_makes_a_product_known(tmp_path):
    returned = {**event("w", "p40"), "event_type": "RETURN"}

    data = ColdProducts.read(write_corpus(tmp_path, ITEMS, [*EVENTS, returned]))

    assert data.cold.tolist() == [50, 60, 99]


def test_a_set_without_cold_purchases_gives_no_outcome(tmp_path):
    corpus = write_corpus(tmp_path, ITEMS, EVENTS[:3])

    assert figures(COLD_PRODUCTS, task_of(corpus, encoder_system(VECTORS))) == {}
