"""A fit learns, stops, goes on where it was, and is fitted again on all that is known."""

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from relatum_export.errors import InputError
from relatum_export.training.users import checkpoint
from relatum_export.training.users import fit as fitting
from relatum_export.training.users.checkpoint import Checkpoints
from relatum_export.training.users.ranking import Asked
from relatum_export.training.users.run import TrainedUsers
from relatum_export.training.users.softmax import cross_entropy
from relatum_export.training.users.training import train_users
from tests.unit.export.training.users.shops import (
    PRODUCTS,
    QUIET,
    ROUND_TEXT,
    SMALL,
    basket_shop,
    product,
    round_shop,
)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return round_shop(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def run(corpus, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "users"
    train_users(corpus, ROUND_TEXT, out, SMALL, QUIET, resume=True)
    return out


def history(*items):
    return Asked(np.array(items, np.int64), np.full(len(items), -1.0, np.float32))


def test_training_ranks_what_comes_next_first(corpus, run):
    trained = TrainedUsers.open(run)

    query = trained.queries([history(3, 4, 5)])

    scores = trained.vectors @ query[0]
    scores[[3, 4, 5]] = -np.inf
    assert int(scores.argmax()) == 6
    assert trained.metrics["valid"]["NDCG@10"] > 0.8
    assert trained.metrics["epochs"][0]["NDCG@10"] < trained.metrics["valid"]["NDCG@10"]


def test_the_run_says_what_it_was_made_of_and_keeps_no_checkpoints(corpus, run):
    config = json.loads((run / "config.json").read_text(encoding="utf-8"))

    assert config["format"] == "relatum-users-run"
    assert config["encoder_id"] == "given"
    assert config["fit"] == "train"
    assert (config["settings"]["repeats"], config["settings"]["time_gaps"]) == ("off", "off")
    assert config["data_sha256"] == corpus.fingerprint
    assert not (run / "checkpoints").exists()
    assert list((run / "tensorboard").iterdir())


def test_queries_and_bought_items_have_length_one_and_the_unsold_product_a_place(run):
    trained = TrainedUsers.open(run)

    lengths = np.linalg.norm(trained.vectors, axis=1)
    queries = trained.queries([history(1), history(*range(12))])  # the second beyond the limit

    np.testing.assert_allclose(lengths[trained.bought], 1.0, rtol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(queries, axis=1), 1.0, rtol=1e-5)
    assert not trained.bought[PRODUCTS - 1]
    assert lengths[PRODUCTS - 1] > 0


def test_a_resumed_run_is_the_uninterrupted_one(corpus, run, tmp_path, monkeypatch):
    real, calls = Checkpoints.save, []

    def dies_after_two(self, progress, tensors):
        real(self, progress, tensors)
        calls.append(progress.epoch)
        if len(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoints, "save", dies_after_two)
    settings = SMALL.model_copy(update={"average": 0.5})
    whole = tmp_path / "whole"
    with pytest.raises(KeyboardInterrupt):
        train_users(corpus, ROUND_TEXT, tmp_path / "cut", settings, QUIET, resume=True)
    train_users(corpus, ROUND_TEXT, tmp_path / "cut", settings, QUIET, resume=True)
    train_users(corpus, ROUND_TEXT, whole, settings, QUIET, resume=True)

    assert calls == [1, 2, 3, 4, 1, 2, 3, 4]
    for name in ("encoder.safetensors", "items.safetensors"):
        cut = (tmp_path / "cut" / "model" / name).read_bytes()
        assert cut == (whole / "model" / name).read_bytes()


def test_it_stops_when_valid_no_longer_rises_and_keeps_the_best_pass(corpus, tmp_path):
    settings = SMALL.model_copy(update={"epochs": 40, "patience": 2})

    metrics = train_users(corpus, ROUND_TEXT, tmp_path / "run", settings, QUIET, resume=True)

    passes = [row["NDCG@10"] for row in metrics["epochs"]]
    assert len(passes) < 40
    assert metrics["best_epoch"] == 1 + int(np.argmax(passes))
    assert len(passes) == metrics["best_epoch"] + 2


def test_a_loss_that_is_not_finite_names_the_batch_and_keeps_the_last_checkpoint(
    corpus, tmp_path, monkeypatch
):
    real, calls = cross_entropy, []

    def breaks(*args):
        calls.append(1)
        return real(*args) * (float("nan") if len(calls) == 6 else 1.0)

    monkeypatch.setattr(fitting, "cross_entropy", breaks)
    with pytest.raises(InputError, match=r"the loss is nan in batch \d+ of pass 2 \(shoppers u"):
        train_users(corpus, ROUND_TEXT, tmp_path / "run", SMALL, QUIET, resume=True)

    kept = sorted(path.name for path in (tmp_path / "run" / "checkpoints").iterdir())
    assert kept == ["epoch-0001"]
    assert not (tmp_path / "run" / "model").exists()


def test_weights_that_are_not_finite_are_never_kept(corpus, tmp_path, monkeypatch):
    """The last step of a pass may break what no loss has seen yet."""
    settings = SMALL.model_copy(update={"learning_rate": 1.0, "batch_events": 10_000})
    monkeypatch.setattr(torch.optim.AdamW, "step", _break)

    with pytest.raises(InputError, match="a weight is not finite in batch 1 of pass 1"):
        train_users(corpus, ROUND_TEXT, tmp_path / "run", settings, QUIET, resume=True)

    assert not (tmp_path / "run" / "checkpoints").exists()


def _break(optimizer):
    optimizer.param_groups[0]["params"][0].data.fill_(float("inf"))


def test_a_full_disk_stops_the_fit_and_keeps_the_checkpoint_before(corpus, tmp_path, monkeypatch):
    calls: list[Path] = []

    def full_at_the_second(tensors, file):
        calls.append(file)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        save_file(tensors, file)

    monkeypatch.setattr(checkpoint, "save_file", full_at_the_second)
    with pytest.raises(InputError, match="no space is left"):
        train_users(corpus, ROUND_TEXT, tmp_path / "run", SMALL, QUIET, resume=True)

    kept = [path.name for path in (tmp_path / "run" / "checkpoints").iterdir()]
    assert kept == ["epoch-0001"]


def test_a_refit_takes_passes_and_ridge_from_the_run_and_learns_valid_too(corpus, run, tmp_path):
    chosen = TrainedUsers.open(run)

    metrics = train_users(
        corpus, ROUND_TEXT, tmp_path / "again", SMALL, QUIET, resume=True, chosen=chosen
    )

    again = TrainedUsers.open(tmp_path / "again")
    assert again.config["fit"] == "train+valid"
    assert len(metrics["epochs"]) == chosen.metrics["best_epoch"]
    assert metrics["ridge"]["penalty"] == chosen.metrics["ridge"]["penalty"]
    assert metrics["valid"] == {}


def test_a_sampled_softmax_learns_too(corpus, tmp_path):
    settings = SMALL.model_copy(update={"softmax": "sampled", "negatives": 8})

    metrics = train_users(corpus, ROUND_TEXT, tmp_path / "run", settings, QUIET, resume=True)

    assert metrics["valid"]["NDCG@10"] > 0.8


def test_a_shop_with_baskets_learns_the_next_basket_from_times_and_repeats(tmp_path):
    corpus = basket_shop(tmp_path / "shop")

    metrics = train_users(corpus, ROUND_TEXT, tmp_path / "run", SMALL, QUIET, resume=True)

    assert metrics["metric"] == "baskets/valid/NDCG@10"
    assert metrics["valid"]["NDCG@10"] > 1.5 * metrics["epochs"][0]["NDCG@10"]
    settings = TrainedUsers.open(tmp_path / "run").config["settings"]
    assert (settings["repeats"], settings["time_gaps"]) == ("on", "on")


def test_the_products_text_alone_places_a_product_that_nobody_bought(tmp_path):
    """Products of two shelves; the unsold one has the text of the first and lands among it."""
    corpus = round_shop(tmp_path / "shop")
    first = np.eye(4, dtype=np.float32)
    vectors = {}
    for number in range(PRODUCTS):
        shelf = 0 if number < PRODUCTS // 2 or number == PRODUCTS - 1 else 1
        noise = np.random.default_rng(number).normal(size=4).astype(np.float32) * 0.2
        vectors[product(number)] = first[shelf] + noise
    text = ROUND_TEXT.__class__("given", "given", {}, vectors)

    train_users(corpus, text, tmp_path / "run", SMALL, QUIET, resume=True)

    trained = TrainedUsers.open(tmp_path / "run")
    unsold = trained.vectors[-1]
    means = [trained.vectors[:11].mean(axis=0), trained.vectors[12:-1].mean(axis=0)]
    assert unsold @ means[0] > unsold @ means[1]
