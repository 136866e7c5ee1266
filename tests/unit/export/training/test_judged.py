"""NDCG@10 over judged products."""

import math

import numpy as np
import pytest

from relatum_export.training.judged import ndcg_at


def test_the_ideal_order_scores_one():
    assert ndcg_at(np.array([3.0, 2.0, 1.0]), np.array([3, 2, 0])) == pytest.approx(1)


def test_a_worked_example_by_hand():
    # Order by score: labels 0, 3, 1. Gains 0, 7, 1; ideal 7, 1, 0.
    gained = 7 / math.log2(3) + 1 / 2
    ideal = 7 + 1 / math.log2(3)

    score = ndcg_at(np.array([0.2, 0.9, 0.5]), np.array([1, 0, 3]))

    assert score == pytest.approx(gained / ideal)


def test_ties_keep_the_order_given():
    first_good = ndcg_at(np.zeros(3), np.array([3, 0, 0]))
    last_good = ndcg_at(np.zeros(3), np.array([0, 0, 3]))

    assert first_good == 1
    assert last_good == pytest.approx(0.5)


def test_only_ten_ranks_count():
    labels = np.array([0] * 10 + [3])

    assert ndcg_at(-np.arange(11.0), labels) == 0


def test_a_query_without_a_good_product_scores_zero():
    assert ndcg_at(np.array([1.0, 0.0]), np.array([0, 0])) == 0
