"""Cold products: later purchases of what nobody had bought in train."""

import numpy as np
import pytest

from relatum_export.evaluation.protocols.cold_products import COLD_PRODUCTS, ColdProducts
from relatum_export.evaluation.recommendation.similar import SimilarProducts
from relatum_export.evaluation.systems import BehaviourSpace
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
# What was bought stands at (1, 0), and the map sends there what is farthest from it by text.
TURNED = BehaviourSpace(
    ("p00", "p01"),
    np.array([[1.0, 0.0], [1.0, 0.0]], np.float32),
    np.array([[0.0, 200.0], [200.0, 0.0], [0.0, 0.0]], np.float32),
)


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


def test_the_artifact_answers_with_the_history_as_examples_of_what_is_alike():
    text = np.array([VECTORS[item] for item in ITEMS], np.float32)

    scores = SimilarProducts.of(ITEMS, text, TURNED).scores(np.array([0]))

    assert np.isneginf(scores[0])  # an example is no answer
    assert ITEMS[int(scores.argmax())] == "p99"


def test_the_artifact_is_measured_by_behaviour_too_and_zero_shot_by_text_alone(tmp_path):
    corpus = write_corpus(tmp_path, ITEMS, EVENTS)
    systems = (encoder_system(VECTORS), encoder_system(VECTORS, name="relatum"))

    found = figures(COLD_PRODUCTS, task_of(corpus, *systems, behaviour=TURNED))

    # From p01 the fifty nearest by text are p00..p49; where their texts put them, p50..p99.
    assert found["valid/R@50/cold/zero-shot"].value == 0
    assert found["valid/R@50/cold/relatum"].value == 1
