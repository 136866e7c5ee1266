"""Weights of sources whose worth is known."""

import numpy as np
import pytest

from relatum_export.training.ranker.candidates import CandidateSet
from relatum_export.training.ranker.fitting import Problem, Shape, choose_shape

REQUESTS, CANDIDATES = 60, 20
EVEN = Shape((1.0, 1.0, 1.0))


@pytest.fixture(scope="module")
def candidates():
    """Each request has one hit; a source that knows it, one that hints at it, and one of noise."""
    rng = np.random.default_rng(0)
    hits = np.zeros((REQUESTS, CANDIDATES), bool)
    hits[np.arange(REQUESTS), rng.integers(0, CANDIDATES, REQUESTS)] = True
    noise = rng.random((REQUESTS, CANDIDATES, 3))
    known = 0.5 * hits + noise[:, :, 0]
    hint = 0.2 * hits + noise[:, :, 1]
    wrong = noise[:, :, 2] - 0.5 * hits
    scores = np.stack([known, hint, np.maximum(wrong, 0.0)], axis=2).reshape(-1, 3)
    return CandidateSet(
        ("known", "hint", "wrong"),
        np.arange(REQUESTS + 1) * CANDIDATES,
        np.tile(np.arange(CANDIDATES), REQUESTS),
        scores.astype(np.float32),
        hits.ravel(),
        np.zeros(hits.size, bool),
        np.ones(REQUESTS, np.int64),
        np.ones(REQUESTS, np.int64),
    )


def test_a_better_source_weighs_more_and_a_misleading_one_nothing(candidates):
    problem = Problem(candidates, penalty=1e-3)

    weights = problem.fit(EVEN, np.ones(REQUESTS, bool)).values

    assert weights[0] > weights[1] > 0.0
    assert weights[2] == 0.0


def test_fitted_weights_rank_better_than_equal_ones(candidates):
    problem = Problem(candidates, penalty=1e-3)
    weights = problem.fit(EVEN, np.ones(REQUESTS, bool))

    equal = problem.ndcg(candidates.scores.sum(axis=1).astype(np.float64))
    fitted = problem.ndcg(problem.scores(weights))

    assert fitted.mean() > equal.mean()


def test_requests_left_out_of_the_fit_do_not_move_it(candidates):
    problem = Problem(candidates, penalty=1e-3)
    chosen = np.arange(REQUESTS) < REQUESTS // 2
    half = CandidateSet(
        candidates.names,
        candidates.starts,
        candidates.items,
        candidates.scores,
        candidates.hits ^ ~chosen[candidates.owners],
        candidates.had,
        candidates.relevant,
        candidates.relevant_new,
    )

    other = Problem(half, penalty=1e-3).fit(EVEN, chosen)

    assert problem.fit(EVEN, chosen).values == pytest.approx(other.values)


def test_a_power_that_only_stretches_scores_is_left_at_the_default(candidates):
    constant = CandidateSet(
        ("constant",),
        candidates.starts,
        candidates.items,
        np.ones((len(candidates.items), 1), np.float32),
        candidates.hits,
        candidates.had,
        candidates.relevant,
        candidates.relevant_new,
    )
    problem = Problem(constant, penalty=1e-3)

    found = choose_shape(problem, (0.5, 1.0), np.arange(REQUESTS) % 2)

    assert found == Shape((0.5,))


def test_a_source_that_knows_only_what_is_new_weighs_for_that_alone(candidates):
    had = np.tile(np.arange(CANDIDATES) < CANDIDATES // 2, REQUESTS)
    hits = np.random.default_rng(2).random(len(had)) < 0.2
    hits[::CANDIDATES] = hits[CANDIDATES - 1 :: CANDIDATES] = True
    noise = np.random.default_rng(4).random((len(had), 2))
    fresh = np.where(had, noise[:, 0] + 2.0 * ~hits, 0.6 * hits + noise[:, 0])
    own = had * (0.5 + 0.6 * hits + noise[:, 1])
    of_new = (hits & ~had).reshape(REQUESTS, -1).sum(axis=1)
    found = CandidateSet(
        ("own", "fresh"),
        candidates.starts,
        candidates.items,
        np.stack([own, fresh], axis=1).astype(np.float32),
        hits,
        had,
        hits.reshape(REQUESTS, -1).sum(axis=1),
        of_new,
    )
    problem = Problem(found, penalty=1e-3)
    everything = np.ones(REQUESTS, bool)

    shape = choose_shape(problem, (1.0,), np.arange(REQUESTS) % 2)
    weights = problem.fit(shape, everything)

    assert shape.apart
    assert weights.values[1] == 0.0
    assert weights.new_values[1] > 0.0


def test_ndcg_of_new_items_leaves_repeats_out_of_ranking_and_ideal():
    found = CandidateSet(
        ("only",),
        np.array([0, 3]),
        np.array([0, 1, 2]),
        np.array([[3.0], [2.0], [1.0]], np.float32),
        np.array([True, False, True]),
        np.array([True, False, False]),
        np.array([2]),
        np.array([1]),
    )
    problem = Problem(found, penalty=0.0)
    scores = found.scores[:, 0].astype(np.float64)

    assert problem.ndcg(scores)[0] == pytest.approx((1 + 1 / 2) / (1 + 1 / np.log2(3)))
    assert problem.ndcg(scores, new=True)[0] == pytest.approx(1 / np.log2(3))
