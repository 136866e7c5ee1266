"""Ranking measures against published and hand-worked examples, and another library."""

import math

import numpy as np
import pytest
from sklearn.metrics import f1_score, ndcg_score

from relatum_export.evaluation.metrics import (
    best_f1_threshold,
    binary_ndcg,
    dcg,
    ndcg,
    ndcg_of_scores,
    recall,
    reciprocal_rank,
    steady_f1_threshold,
    top_k,
)


def test_dcg_of_the_textbook_example_is_6_861() -> None:
    # Relevances 3 2 3 0 1 2, the worked example of Wikipedia's "Discounted cumulative gain".
    assert dcg([3, 2, 3, 0, 1, 2]) == pytest.approx(6.861, abs=5e-4)


def test_ndcg_uses_exponential_gain_and_an_ideal_of_all_judged_labels() -> None:
    # By hand: gains 1, 7 over an ideal of 7, 3 (the 2 was judged but not ranked).
    expected = (1 + 7 / math.log2(3)) / (7 + 3 / math.log2(3))
    assert ndcg([1, 3], [3, 2, 1], k=2) == pytest.approx(expected)


def test_ndcg_equals_scikit_learn_on_random_lists_without_ties() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        labels, scores = rng.integers(0, 4, 30), rng.permutation(30).astype(float)
        labels[0] = 3
        ours = ndcg([int(x) for x in labels[top_k(scores, 10)]], labels.tolist(), 10)
        theirs = ndcg_score([2.0**labels - 1], [scores], k=10)
        assert ours == pytest.approx(theirs)


def test_ndcg_without_a_relevant_label_is_refused() -> None:
    with pytest.raises(ValueError, match="label above 0"):
        ndcg([0, 0], [0, 0])


def test_judged_candidates_are_reranked_by_score() -> None:
    # Order by score: labels 0, 3, 1. Gains 0, 7, 1; ideal 7, 1, 0.
    expected = (7 / math.log2(3) + 1 / 2) / (7 + 1 / math.log2(3))
    found = ndcg_of_scores(np.array([0.2, 0.9, 0.5]), np.array([1, 0, 3]))
    assert found == pytest.approx(expected)


def test_candidates_of_equal_score_keep_the_order_given() -> None:
    assert ndcg_of_scores(np.zeros(3), np.array([3, 0, 0])) == 1
    assert ndcg_of_scores(np.zeros(3), np.array([0, 0, 3])) == pytest.approx(0.5)


def test_a_good_product_at_rank_eleven_gains_nothing() -> None:
    assert ndcg_of_scores(-np.arange(11.0), np.array([0] * 10 + [3])) == 0


def test_binary_ndcg_of_one_hit_at_rank_two_with_three_relevant() -> None:
    hits = np.array([False, True, False])
    expected = (1 / math.log2(3)) / (1 + 1 / math.log2(3) + 1 / 2)
    assert binary_ndcg(hits, 3, 10) == pytest.approx(expected)


def test_recall_and_reciprocal_rank_of_a_list() -> None:
    hits = np.array([False, True, True])
    assert recall(hits, 4) == 0.5
    assert reciprocal_rank(hits) == 0.5
    assert reciprocal_rank(np.zeros(3, bool)) == 0.0


def test_equal_scores_are_ranked_by_position_even_across_the_cut() -> None:
    scores = np.array([1.0, 2.0, 1.0, 1.0, 2.0])
    assert top_k(scores, 3).tolist() == [1, 4, 0]


def test_items_of_score_minus_infinity_are_never_ranked() -> None:
    scores = np.array([-np.inf, 0.5, -np.inf])
    assert top_k(scores, 3).tolist() == [1]


def test_the_threshold_is_the_one_that_exhaustive_search_with_scikit_learn_finds() -> None:
    rng = np.random.default_rng(1)
    scores = rng.integers(0, 12, 60) / 12
    matches = rng.random(60) < scores
    chosen = best_f1_threshold(scores, matches)
    figures = [f1_score(matches, scores >= t) for t in np.unique(scores)]
    assert f1_score(matches, scores >= chosen) == pytest.approx(max(figures))
    assert chosen not in scores


def test_a_threshold_over_samples_serves_other_pairs_better_than_the_one_best_place() -> None:
    rng = np.random.default_rng(3)
    gained = []
    for _ in range(40):
        matches = rng.random(300) < 0.15
        scores = np.where(matches, rng.beta(5, 3, 300), rng.beta(2, 5, 300))
        plain, steady = (
            f1_score(matches[150:], scores[150:] >= choose(scores[:150], matches[:150]))
            for choose in (best_f1_threshold, steady_f1_threshold)
        )
        gained.append(steady - plain)
    assert np.mean(gained) > 0


def test_a_threshold_over_samples_stands_without_any_match_too() -> None:
    scores = np.array([0.2, 0.9])
    assert steady_f1_threshold(scores, np.zeros(2, bool)) == pytest.approx(0.55)
