"""What each source says of a history, worked by hand."""

import numpy as np
import pytest
from scipy import sparse

from relatum_export.training.ranker.profile import basket_profile
from relatum_export.training.ranker.requests import BasketLog, Request
from relatum_export.training.ranker.sources import (
    Frequency,
    ItemPairs,
    Popularity,
    RecentCoPurchase,
    RecentPopularity,
    Space,
)

DAY = 86_400.0
ITEMS = 4


def request(*baskets, day=0.0):
    arrays = tuple(np.array(basket, np.int64) for basket in baskets)
    events = sum(map(len, arrays))
    return Request(arrays, day * DAY, np.full(events, np.nan))


def log_of(*baskets):
    """(day, items) of each basket, in the order of time."""
    held = np.zeros((len(baskets), ITEMS), np.float32)
    for row, (_, items) in enumerate(baskets):
        held[row, items] = 1.0
    return BasketLog(np.array([day * DAY for day, _ in baskets]), sparse.csr_matrix(held))


def test_a_basket_further_back_weighs_one_step_less_however_many_items_it_has():
    profile = basket_profile([request([0, 1, 2], [1]), request([3])], ITEMS, 0.5).toarray()

    assert profile.tolist() == [[0.5, 1.5, 0.5, 0.0], [0.0, 0.0, 0.0, 1.0]]


def test_the_own_frequency_is_over_its_largest():
    scores = Frequency(ITEMS, 0.5).scores([request([0, 1], [1])])

    assert scores[0].tolist() == pytest.approx([1 / 3, 1.0, 0.0, 0.0])


def test_recent_popularity_counts_the_seven_days_before_the_question_alone():
    log = log_of((1, [0]), (5, [1]), (9, [1, 2]), (10, [3]))

    scores = RecentPopularity(log).scores([request([0], day=10), request([0], day=12)])

    assert scores[0].tolist() == [0.0, 1.0, 0.5, 0.0]
    assert scores[1].tolist() == pytest.approx([0.0, 2 / 3, 1 / 3, 1 / 3])


def test_a_recent_basket_counts_by_its_age_and_by_the_part_that_the_shopper_had():
    # One half-life old and half known: 1/2 x 1/2; new and wholly known: 1.
    log = log_of((0, [0, 1]), (7, [0]), (7, [2, 3]))

    scores = RecentCoPurchase(log, 7.0, 1.0).scores([request([0], day=7.0 + 1e-9)])

    assert scores[0].tolist() == pytest.approx([1.0, 0.25 / 1.25, 0.0, 0.0], abs=1e-6)


def test_baskets_of_the_future_and_very_old_ones_are_not_seen():
    log = log_of((0, [0, 1]), (100, [0, 2]), (101, [0, 3]))

    scores = RecentCoPurchase(log, 7.0, 1.0).scores([request([0], day=100.5)])

    assert scores[0].tolist() == [1.0, 0.0, 1.0, 0.0]


def test_a_shopper_of_whom_no_recent_basket_knows_anything_gets_nothing():
    log = log_of(
        (0, [1]),
    )

    scores = RecentCoPurchase(log, 7.0, 1.0).scores([request([0], day=1.0)])

    assert not scores.any()


def test_pairs_are_summed_over_the_history_or_averaged():
    weights = sparse.csr_matrix(np.array([[0, 2, 0, 0], [0, 0, 4, 0], [0] * 4, [0] * 4]))
    asked = [request([0], [1])]

    assert ItemPairs(weights, 0.5).scores(asked)[0].tolist() == [0.0, 1.0, 4.0, 0.0]
    mean = ItemPairs(weights, 0.5, mean=True).scores(asked)[0]
    assert mean.tolist() == pytest.approx([0.0, 1 / 1.5, 4 / 1.5, 0.0])


def test_popularity_is_the_same_for_everyone():
    scores = Popularity(np.array([4.0, 2.0, 0.0, 1.0])).scores([request([0]), request([1])])

    assert scores.tolist() == [[1.0, 0.5, 0.0, 0.25]] * 2


def test_a_space_asks_with_one_set_of_vectors_and_finds_by_another():
    asked = np.array([[1, 0], [0, 1], [0, 0], [0, 0]], np.float32)
    found = np.array([[0, 1], [1, 0], [0.6, 0.8], [0, 0]], np.float32)

    scores = Space(asked, found, 0.5).scores([request([0]), request([2])])

    assert scores[0].tolist() == pytest.approx([0.0, 1.0, 0.6, 0.0])
    assert not scores[1].any()
