"""Weights that are moved while the ranking improves."""

import numpy as np
import pytest

from relatum_export.training.ranker.ascent import ascend
from relatum_export.training.ranker.candidates import CandidateSet
from relatum_export.training.ranker.fitting import Problem, Weights

REQUESTS, CANDIDATES = 80, 30


@pytest.fixture(scope="module")
def candidates():
    """One source knows what was had, another what is new, a third misleads."""
    rng = np.random.default_rng(3)
    had = rng.random((REQUESTS, CANDIDATES)) < 0.5
    hits = rng.random((REQUESTS, CANDIDATES)) < 0.15
    hits[:, 0] = True
    noise = rng.random((REQUESTS, CANDIDATES, 3))
    own = had * (0.4 * hits + noise[:, :, 0])
    fresh = ~had * (0.4 * hits + noise[:, :, 1])
    wrong = noise[:, :, 2] * ~hits
    scores = np.stack([own, fresh, wrong], axis=2).reshape(-1, 3)
    return CandidateSet(
        ("own", "fresh", "wrong"),
        np.arange(REQUESTS + 1) * CANDIDATES,
        np.tile(np.arange(CANDIDATES), REQUESTS),
        scores.astype(np.float32),
        hits.ravel(),
        had.ravel(),
        hits.sum(axis=1),
        (hits & ~had).sum(axis=1),
    )


def test_the_ranking_of_what_it_is_fitted_on_only_rises(candidates):
    columns = candidates.scores.astype(np.float64)
    first = np.array([1.0, 1.0, 0.5])
    everything = np.ones(REQUESTS, bool)

    found = ascend(candidates, columns, first, everything)

    problem = Problem(candidates, penalty=0.0)
    powers = (1.0, 1.0, 1.0)
    before, after = (problem.scores(Weights(w, w, powers)) for w in (first, found))
    total = [
        problem.ndcg(s).mean() + 0.5 * np.nanmean(problem.ndcg(s, new=True))
        for s in (before, after)
    ]
    assert total[1] > total[0]
    assert (found >= 0.0).all()
    assert found[2] == 0.0


def test_weights_that_start_at_nothing_can_come_in(candidates):
    columns = candidates.scores.astype(np.float64)

    found = ascend(candidates, columns, np.array([1.0, 0.0, 0.0]), np.ones(REQUESTS, bool))

    assert found[1] > 0.0


def test_requests_that_are_not_chosen_do_not_count(candidates):
    columns = candidates.scores.astype(np.float64)
    first = np.array([1.0, 1.0, 0.5])
    chosen = np.arange(REQUESTS) % 2 == 0
    spoilt = columns.copy()
    spoilt[~chosen[candidates.owners]] = 0.0

    assert np.array_equal(
        ascend(candidates, columns, first, chosen), ascend(candidates, spoilt, first, chosen)
    )
