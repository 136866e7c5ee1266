"""Measures of probabilities, by hand."""

import numpy as np
import pytest

from relatum_export.evaluation.classification import (
    brier_scores,
    expected_calibration_error,
    macro_f1,
    negative_log_likelihoods,
)


def test_macro_f1_weighs_a_rare_class_like_a_common_one():
    truth = np.array([0, 0, 0, 1])

    assert macro_f1(truth, np.array([0, 0, 0, 0]), 2) == pytest.approx((6 / 7) / 2)
    assert macro_f1(truth, truth, 2) == 1


def test_a_class_that_never_occurs_counts_as_nothing_found():
    assert macro_f1(np.array([0, 0]), np.array([0, 0]), 2) == 0.5


def test_calibration_error_is_the_gap_of_confidence_and_accuracy_by_bins():
    probabilities = np.array([[0.95, 0.05], [0.95, 0.05], [0.65, 0.35], [0.4, 0.6]])
    truth = np.array([0, 1, 0, 0])

    gaps = [abs(0.95 * 2 - 1), abs(0.65 - 1), abs(0.6 - 0)]
    assert expected_calibration_error(probabilities, truth) == pytest.approx(sum(gaps) / 4)


def test_a_bin_holds_its_upper_end():
    confidence = np.array([[0.7, 0.3], [0.65, 0.35]])  # one bin: one right, one wrong

    error = expected_calibration_error(confidence, np.array([0, 1]))

    assert error == pytest.approx(abs(1.35 - 1) / 2)


def test_brier_and_likelihood_are_best_for_certainty_that_is_right():
    probabilities = np.array([[1.0, 0.0, 0.0], [0.5, 0.3, 0.2]])
    truth = np.array([0, 2])

    assert brier_scores(probabilities, truth) == pytest.approx([0, 0.25 + 0.09 + 0.64])
    assert negative_log_likelihoods(probabilities, truth) == pytest.approx([0, -np.log(0.2)])


def test_a_probability_of_nothing_costs_much_and_stays_finite():
    assert np.isfinite(negative_log_likelihoods(np.array([[1.0, 0.0]]), np.array([1]))).all()
