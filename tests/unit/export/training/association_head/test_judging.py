"""Measures of valid pairs, by hand."""

import numpy as np
import pytest

from relatum_export.training.association_head.classes import CLASSES, Label
from relatum_export.training.association_head.judging import measured, relations, same_product
from relatum_export.training.association_head.labelled import LabelledPairs


def pairs(*labels, benchmarks=None):
    rows = np.arange(2 * len(labels)).reshape(-1, 2)
    made = LabelledPairs.join(
        [LabelledPairs.of_label(rows[i : i + 1], label, "people") for i, label in enumerate(labels)]
    )
    if benchmarks:
        made.benchmarks[:] = benchmarks
    return made


def test_same_counts_as_substitute_where_the_set_does_not_tell_them_apart():
    probabilities = np.array([[0.2, 0.5, 0.25, 0.05], [0.9, 0.05, 0.05, 0.0]])

    judged = relations(pairs(Label.ALIKE, Label.UNRELATED), probabilities)

    assert judged is not None
    assert judged.names == ("unrelated", "substitute")
    assert judged.probabilities[0, 1] == pytest.approx(0.75 / 0.95)
    assert judged.measures()["macro-F1"] == 1


def test_a_set_of_one_relation_or_of_sameness_alone_has_no_relations_to_judge():
    even = np.full((2, len(CLASSES)), 0.25)

    assert relations(pairs(Label.SAME, Label.NOT_SAME), even) is None
    assert relations(pairs(Label.COMPLEMENT, Label.COMPLEMENT), even) is None
    assert same_product(pairs(Label.COMPLEMENT, Label.ALIKE), even) is None


def test_each_benchmark_of_a_set_has_a_threshold_of_its_own():
    same = np.array([0.9, 0.8, 0.4, 0.3])
    probabilities = np.stack([1 - same, same, 0 * same, 0 * same], axis=1)
    labels = (Label.SAME, Label.NOT_SAME, Label.SAME, Label.NOT_SAME)

    found = measured(pairs(*labels, benchmarks=["x", "x", "y", "y"]), probabilities, probabilities)[
        "same_product"
    ]

    assert list(found["thresholds"]) == ["", "x", "y"]
    assert found["thresholds"]["x"] == pytest.approx(0.85, abs=0.05)
    assert found["thresholds"]["y"] == pytest.approx(0.35, abs=0.05)
    assert (found["F1/x"], found["F1/y"]) == (1, 1)


def test_measures_before_calibration_stand_beside_those_after():
    labels = pairs(Label.UNRELATED, Label.COMPLEMENT)
    sharp = np.array([[0.99, 0, 0, 0.01], [0.99, 0, 0, 0.01]])
    mild = np.array([[0.6, 0, 0, 0.4], [0.6, 0, 0, 0.4]])

    found = measured(labels, sharp, mild)["relations"]

    assert found["NLL"] < found["before_calibration"]["NLL"]
    assert found["ECE"] == pytest.approx(0.1)
    assert found["before_calibration"]["ECE"] == pytest.approx(0.49)
