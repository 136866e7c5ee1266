"""Tuning on valid, the figures of test, and what is kept between runs."""

import json

import numpy as np
import pytest

from relatum_export.evaluation.baselines import tuning
from relatum_export.evaluation.baselines.base import Baseline, Known
from relatum_export.evaluation.baselines.baskets import OWN_RECENCY
from relatum_export.evaluation.baselines.stopping import fitted_by_valid
from relatum_export.training.ranker.requests import JudgedRequests
from tests.unit.export.training.ranker.shops import habit_shop
from tests.unit.export.training.users.shops import QUIET, round_shop


def oracle(known, settings):
    """Ranks what comes next in the round first, if told to."""

    def scores(requests):
        out = np.zeros((len(requests), known.items))
        for row, request in enumerate(requests):
            out[row, (request.events[-1] + 1) % (known.items - 1)] = settings["sign"]
        return out

    return scores


def test_valid_chooses_the_settings(tmp_path):
    judged = JudgedRequests.read(round_shop(tmp_path))
    baseline = Baseline("oracle", [{"sign": -1.0}, {"sign": 1.0}], oracle)

    assert tuning.tuned(baseline, Known(judged, "train")) == {"sign": 1.0}


def test_each_baseline_is_reported_on_valid_and_twice_on_test(tmp_path):
    judged = JudgedRequests.read(round_shop(tmp_path))
    baseline = Baseline("oracle", [{"sign": 1.0}], oracle)

    outcomes = tuning.measured(baseline, judged)

    assert {(o.split, o.system) for o in outcomes} == {
        ("valid", "oracle"),
        ("test", "oracle"),
        ("test", "oracle+valid"),
    }
    assert {o.value for o in outcomes if o.measure == "NDCG@10"} == {1.0}


@pytest.fixture
def counting(monkeypatch):
    """The list of baselines is one that counts how often it was measured."""
    calls = []

    def fit(known, settings):
        calls.append(settings)
        return oracle(known, settings)

    baseline = Baseline("oracle", [{"sign": 1.0}], fit)
    monkeypatch.setattr(tuning, "BASELINES", (baseline,))
    return calls


def test_kept_figures_are_read_back_as_they_were(tmp_path, counting):
    corpus = round_shop(tmp_path / "shop")
    cache = tmp_path / "cache"

    first = tuning.baseline_outcomes(corpus, ("valid", "test"), cache, QUIET)
    measured = len(counting)
    second = tuning.baseline_outcomes(corpus, ("test",), cache, QUIET)

    assert len(counting) == measured
    kept = {(o.split, o.system, o.measure): o for o in first if o.split == "test"}
    assert {(o.split, o.system, o.measure) for o in second} == kept.keys()
    for outcome in second:
        before = kept[outcome.split, outcome.system, outcome.measure]
        assert outcome.units == before.units
        assert np.array_equal(outcome.numerator, before.numerator)


def test_other_data_make_kept_figures_void(tmp_path, counting):
    cache = tmp_path / "cache"
    tuning.baseline_outcomes(round_shop(tmp_path / "a"), ("test",), cache, QUIET)
    measured = len(counting)

    tuning.baseline_outcomes(round_shop(tmp_path / "b", shoppers=39), ("test",), cache, QUIET)

    assert len(counting) > measured


def test_other_settings_make_kept_figures_void(tmp_path):
    corpus = round_shop(tmp_path)
    one, other = (Baseline("oracle", [{"sign": s}], oracle) for s in (1.0, 2.0))

    assert tuning.cache_key(one, corpus) != tuning.cache_key(other, corpus)


def test_a_baseline_that_does_not_apply_is_left_out_and_that_is_kept_too(tmp_path, monkeypatch):
    monkeypatch.setattr(tuning, "BASELINES", (OWN_RECENCY,))
    cache = tmp_path / "cache"

    outcomes = tuning.baseline_outcomes(round_shop(tmp_path / "shop"), ("test",), cache, QUIET)

    assert outcomes == []
    assert [json.loads(f.read_text(encoding="utf-8"))["outcomes"] for f in cache.iterdir()] == [[]]


def test_every_baseline_is_tuned_with_the_same_budget():
    assert all(1 <= len(baseline.tried) <= 6 for baseline in tuning.BASELINES)


def test_a_basket_shop_is_reported_by_slices(tmp_path, monkeypatch):
    monkeypatch.setattr(tuning, "BASELINES", (OWN_RECENCY,))

    outcomes = tuning.baseline_outcomes(habit_shop(tmp_path), ("test",), None, QUIET)

    measures = {o.measure for o in outcomes if o.system == "own-frequency-recency"}
    assert {"NDCG@10", "NDCG@10/repeat", "NDCG@10/new"} <= measures


def test_what_valid_stopped_is_trained_once_for_tuning_and_both_fits(tmp_path):
    judged = JudgedRequests.read(round_shop(tmp_path))
    trained = []

    def train(known, settings, passes):
        trained.append((known.fit, settings["sign"], passes))
        return (lambda requests: np.zeros((len(requests), known.items))), 4

    def fit(known, settings):
        return fitted_by_valid(train, known, settings)

    tuning.measured(Baseline("given", [{"sign": 1.0}, {"sign": -1.0}], fit), judged)

    assert trained == [("train", 1.0, None), ("train", -1.0, None), ("train+valid", 1.0, 4)]
