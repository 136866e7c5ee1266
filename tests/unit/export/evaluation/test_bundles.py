"""Bundle mates: the rest of a bundle from one of its products."""

import numpy as np
import pytest

from relatum_export.evaluation.protocols.bundles import BUNDLES
from relatum_export.evaluation.systems import BehaviourSpace
from tests.unit.export.evaluation.corpora import encoder_system, figures, task_of, write_corpus

# Fifteen products on a quarter circle: the nearer the number, the nearer the vector.
ITEMS = [f"p{i:02}" for i in range(15)]
ANGLES = np.linspace(0, np.pi / 2, 15)
VECTORS = {item: (np.cos(a), np.sin(a)) for item, a in zip(ITEMS, ANGLES, strict=True)}


def bundle(number, split, *items):
    return {"bundle_id": number, "items": list(items), "split": split}


def measured(tmp_path, bundles, behaviour=None):
    corpus = write_corpus(tmp_path, ITEMS, tables={"bundles": bundles})
    task = task_of(corpus, encoder_system(VECTORS), behaviour=behaviour)
    return figures(BUNDLES, task)


def test_mates_among_the_ten_nearest_are_found_and_the_item_itself_is_no_candidate(tmp_path):
    # From p00 the ten nearest are p01..p10; p14 is 11th. From p10: p05..p09 and p11..p14 and p04.
    # From p14: p04..p13.
    found = measured(tmp_path, [bundle(1, "test", "p00", "p10", "p14")])

    outcome = found["test/R@10/zero-shot"]
    assert outcome.numerator.tolist() == [pytest.approx(1 / 2 + 1 / 2 + 1 / 2)]
    assert outcome.denominator.tolist() == [3]
    assert outcome.value == pytest.approx(0.5)


def test_the_mean_is_over_items_so_a_large_bundle_weighs_more(tmp_path):
    bundles = [bundle(1, "test", "p00", "p14"), bundle(2, "test", "p05", "p06", "p07", "p08")]

    found = measured(tmp_path, bundles)

    assert found["test/R@10/zero-shot"].value == pytest.approx((0 + 0 + 1 + 1 + 1 + 1) / 6)


def test_products_outside_the_catalogue_and_bundles_of_one_are_left_out(tmp_path):
    bundles = [
        bundle(1, "test", "p00", "gone"),
        bundle(2, "test", "p00", "p01", "gone"),
        bundle(3, "valid", "p00", "p14"),
    ]

    found = measured(tmp_path, bundles)

    assert found["test/R@10/zero-shot"].units == ("2",)
    assert found["test/R@10/zero-shot"].value == 1
    assert found["valid/R@10/zero-shot"].value == 0


def test_a_product_without_events_is_not_found_in_the_behaviour_space(tmp_path):
    space = BehaviourSpace(("p00", "p14"), np.array([[1, 0], [0.6, 0.8]], np.float32))

    found = measured(tmp_path, [bundle(1, "test", "p00", "p01", "p14")], behaviour=space)

    # p00 and p14 find each other, p01 is found by none and finds (by id) both.
    assert found["test/R@10/behaviour"].value == pytest.approx((1 / 2 + 1 + 1 / 2) / 3)
