"""A ranker trained on small shops, from the corpus to the run folder and back."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from relatum_export.errors import InputError
from relatum_export.training.ranker.run import TrainedRanker
from relatum_export.training.ranker.training import load_ranker, train_ranker
from tests.unit.export.training.ranker.shops import QUICK, habit_shop, inputs_of
from tests.unit.export.training.users.shops import QUIET, round_shop, text_of


@pytest.fixture(scope="module")
def habits(tmp_path_factory):
    folder = tmp_path_factory.mktemp("habits")
    inputs = inputs_of(habit_shop(folder / "shop"))
    metrics = train_ranker(inputs, text_of(inputs.judged.items), folder / "run", QUIET)
    return inputs, folder / "run", metrics


def ndcg(inputs, scores, split="test", measure="NDCG@10"):
    outcomes = inputs.judged.outcomes(split, "ranker", scores, "train")
    return next(outcome.value for outcome in outcomes if outcome.measure == measure)


@pytest.mark.parametrize("simple", ["frequency", "recent_popularity", "popularity"])
def test_the_trained_ranker_beats_the_simple_systems_on_test(habits, simple):
    inputs, run, metrics = habits
    ranker = load_ranker(TrainedRanker.open(run), inputs, "train")
    settings = metrics["sources"][simple]["settings"]

    own = ndcg(inputs, ranker.scores)

    assert own > ndcg(inputs, inputs.source(simple, settings, "train").scores)


def test_what_is_in_fashion_is_found_among_new_items(habits):
    inputs, run, metrics = habits
    ranker = load_ranker(TrainedRanker.open(run), inputs, "train")

    new = ndcg(inputs, ranker.scores, measure="NDCG@10/new")

    popular = inputs.source("recent_popularity", {}, "train")
    assert new > ndcg(inputs, popular.scores, measure="NDCG@10/new")
    assert metrics["valid_held_out"]["NDCG@10/new"]["value"] > 0.5


def test_contributions_sum_to_the_score_exactly(habits):
    inputs, run, _ = habits
    ranker = load_ranker(TrainedRanker.open(run), inputs, "train")
    requests = inputs.judged.requests["test"][:5]

    contributions = ranker.contributions(requests)

    total = np.zeros_like(next(iter(contributions.values())))
    for part in contributions.values():
        total += part
    assert np.array_equal(total, ranker.scores(requests))
    assert all((part >= 0.0).all() for part in contributions.values())


def test_the_run_folder_holds_what_a_server_answers_by(habits):
    _, run, metrics = habits

    ranker = json.loads((run / "ranker.json").read_text(encoding="utf-8"))

    assert (ranker["version"], ranker["repeats"], ranker["pool"]) == (2, True, 200)
    assert ranker["transitions"]["window"] == 3
    assert all(source["weight"] + source["new_weight"] > 0 for source in ranker["sources"])
    heaviest = ranker["sources"][0]
    assert heaviest["name"] == "recent_copurchase"
    assert heaviest["settings"] == {"half_life_days": 7, "step": 0.9}
    pairs = pq.read_table(run / "transitions.parquet")
    assert pairs.column_names == ["item_id_a", "item_id_b", "weight"]
    assert json.loads((run / "metrics.json").read_text(encoding="utf-8")) == metrics
    assert any((run / "tensorboard").iterdir())


def test_the_same_shop_gives_the_same_ranker(habits, tmp_path):
    inputs, run, _ = habits

    train_ranker(inputs, text_of(inputs.judged.items), tmp_path / "again", QUIET)

    again = (tmp_path / "again" / "ranker.json").read_bytes()
    assert again == (run / "ranker.json").read_bytes()


def test_where_repeats_are_removed_no_source_of_repeats_is_fitted(tmp_path):
    inputs = inputs_of(round_shop(tmp_path / "shop"))

    metrics = train_ranker(inputs, text_of(inputs.judged.items), tmp_path / "run", QUIET)

    assert "frequency" not in metrics["sources"]
    assert metrics["sources"]["transitions"]["share"] > 0.5
    ranker = load_ranker(TrainedRanker.open(tmp_path / "run"), inputs, "train")
    popularity = inputs.source("popularity", {}, "train")
    assert ndcg(inputs, ranker.scores) > ndcg(inputs, popularity.scores)


def test_a_fit_on_more_splits_keeps_the_weights(habits):
    inputs, run, _ = habits
    trained = TrainedRanker.open(run)

    train, both = (load_ranker(trained, inputs, fit) for fit in ("train", "train+valid"))

    assert [(p.weight, p.power) for p in train.parts.values()] == [
        (p.weight, p.power) for p in both.parts.values()
    ]


def test_a_ranker_of_another_shop_is_refused(habits, tmp_path):
    _, run, _ = habits
    other = inputs_of(round_shop(tmp_path / "shop"))

    with pytest.raises(InputError, match="was trained on habits as it was then"):
        load_ranker(TrainedRanker.open(run), other, "train")


def test_a_ranker_that_needs_more_than_it_is_given_is_refused(habits):
    inputs, run, _ = habits
    trained = TrainedRanker.open(run)
    names = tuple(entry.name for entry in trained.sources)
    poorer = inputs_of(inputs.corpus, QUICK.model_copy(update={"leave_out": names[:1]}))

    with pytest.raises(InputError, match=f"needs {names[0]}; give what it was trained with"):
        load_ranker(trained, poorer, "train")


def test_a_damaged_run_is_refused(habits, tmp_path):
    _, run, _ = habits
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("config.json", "metrics.json"):
        (copy / name).write_bytes((run / name).read_bytes())
    (copy / "ranker.json").write_text('{"version": 2}', encoding="utf-8")

    with pytest.raises(InputError, match="is damaged"):
        TrainedRanker.open(copy)


def test_settings_are_tried_where_there_are_several(tmp_path):
    settings = QUICK.model_copy(update={"history_steps": (0.7, 0.9)})
    inputs = inputs_of(habit_shop(tmp_path / "shop"), settings)

    metrics = train_ranker(inputs, text_of(inputs.judged.items), tmp_path / "run", QUIET)

    assert metrics["cases_fitted"] == 30
    sources = metrics["sources"]
    assert len(sources["copurchase"]["tried"]) == 2
    assert sources["popularity"]["tried"] == []  # there was nothing to choose
    assert sources["popularity"]["alone"] > 0
