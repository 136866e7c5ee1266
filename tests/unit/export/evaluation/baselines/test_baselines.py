"""Each baseline on histories whose answer is known."""

import numpy as np
import pytest
from scipy import sparse

from relatum_export.evaluation.baselines.base import Known, counted
from relatum_export.evaluation.baselines.baskets import OWN_RECENCY, TIFU_KNN, temporal_frequency
from relatum_export.evaluation.baselines.ease import EASE, EASE_RECENCY, ease_weights
from relatum_export.evaluation.baselines.lightgcn import LIGHTGCN
from relatum_export.evaluation.baselines.neighbours import ALS, ITEM_KNN, ITEM_KNN_RECENCY
from relatum_export.evaluation.baselines.sasrec import SASREC
from relatum_export.training.ranker.requests import JudgedRequests, Request
from tests.unit.export.training.ranker.shops import habit_shop
from tests.unit.export.training.users.shops import round_shop

OF_ITEMS = (ITEM_KNN, ITEM_KNN_RECENCY, ALS, EASE, EASE_RECENCY, SASREC, LIGHTGCN)


@pytest.fixture(scope="module")
def round_trip(tmp_path_factory):
    return JudgedRequests.read(round_shop(tmp_path_factory.mktemp("round")))


@pytest.fixture(scope="module")
def habits(tmp_path_factory):
    return JudgedRequests.read(habit_shop(tmp_path_factory.mktemp("habits")))


def ndcg(judged, baseline, scores):
    outcomes = judged.outcomes("test", baseline.name, scores, "train")
    return next(outcome.value for outcome in outcomes if outcome.measure == "NDCG@10")


def constant(judged):
    return lambda requests: np.zeros((len(requests), len(judged.items)))


@pytest.mark.parametrize("baseline", OF_ITEMS, ids=lambda baseline: baseline.name)
def test_a_fitted_baseline_ranks_better_than_no_opinion(round_trip, baseline):
    scores = baseline.fit(Known(round_trip, "train"), baseline.tried[0])

    assert ndcg(round_trip, baseline, scores) > 1.3 * ndcg(
        round_trip, baseline, constant(round_trip)
    )


@pytest.mark.parametrize("baseline", [*OF_ITEMS, OWN_RECENCY, TIFU_KNN], ids=lambda b: b.name)
def test_the_next_basket_is_ranked_by_what_the_shopper_had(habits, baseline):
    scores = baseline.fit(Known(habits, "train"), baseline.tried[0])

    # EASE leaves out what nobody has bought yet.
    first, second = np.maximum(scores(habits.requests["test"][:2]), -1.0)

    assert baseline.applies(habits)
    one, other = (r.events for r in habits.requests["test"][:2])
    assert first[one].mean() > first[np.setdiff1d(other, one)].mean()
    assert second[other].mean() > second[np.setdiff1d(one, other)].mean()


@pytest.mark.parametrize("baseline", [OWN_RECENCY, TIFU_KNN], ids=lambda b: b.name)
def test_baselines_of_baskets_need_baskets(round_trip, baseline):
    assert not baseline.applies(round_trip)


def test_ease_solves_its_own_equation():
    interactions = sparse.random(30, 6, density=0.4, random_state=0, format="csr")
    interactions.data[:] = 1.0
    penalty = 5.0

    weights = ease_weights(interactions, penalty).astype(np.float64)

    # The gradient of the ridge loss is diagonal: only the constraint on the diagonal holds it back.
    gram = (interactions.T @ interactions).toarray()
    gradient = gram @ weights - gram + penalty * weights
    off = ~np.eye(6, dtype=bool)
    assert np.abs(gradient[off]).max() < 1e-4
    assert np.diag(weights).tolist() == [0.0] * 6


def test_ease_without_an_inverse_says_so():
    with pytest.raises(ValueError, match="no inverse at penalty 0"):
        ease_weights(sparse.csr_matrix(np.zeros((2, 2))), 0.0)


def test_temporal_frequency_decays_within_groups_and_over_them():
    settings = {"groups": 2, "basket_decay": 0.5, "group_decay": 0.1}
    baskets = [np.array([item]) for item in (0, 1, 2, 3)]

    found = temporal_frequency([baskets], 5, settings).toarray()[0]

    # Two groups of two baskets: each basket over 2, each group over 2.
    assert found.tolist() == pytest.approx([0.5 * 0.1 / 4, 0.1 / 4, 0.5 / 4, 1 / 4, 0.0])


def test_the_nearest_shoppers_bring_in_what_the_shopper_never_had(habits):
    known = Known(habits, "train")
    request = habits.requests["test"][0]

    scores = TIFU_KNN.fit(known, TIFU_KNN.tried[2])([request])[0]

    never = np.setdiff1d(np.arange(known.items), request.events)
    assert scores[never].max() > 0.0


def test_repeats_are_counted_only_where_they_are_candidates(round_trip, habits):
    assert set(Known(round_trip, "train").interactions().data) == {1.0}
    assert Known(habits, "train").interactions().data.max() > 1.0


def test_counting_adds_up_what_a_history_has_twice():
    matrix = counted([np.array([1, 1, 0]), np.array([], np.int64)], 3)

    assert matrix.toarray().tolist() == [[1, 2, 0], [0, 0, 0]]


def test_als_solves_for_the_history_that_is_asked_about(round_trip):
    scores = ALS.fit(Known(round_trip, "train"), ALS.tried[0])
    day = np.full(2, np.nan)
    early, late = (Request(tuple(np.array([[i], [i + 1]])), np.nan, day) for i in (0, 12))

    found = scores([early, late])

    assert found[0, :4].mean() > found[1, :4].mean()
    assert found[1, 12:16].mean() > found[0, 12:16].mean()
