"""The whole run on two small corpora, with an encoder of random weights."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from relatum_export.console import Reporter
from relatum_export.errors import InputError
from relatum_export.training import encoder_training
from relatum_export.training.bases import resolve
from relatum_export.training.encoder import TorchEncoder
from relatum_export.training.encoder_recipe.adapters import attach
from relatum_export.training.encoder_recipe.losses import GradedLoss
from relatum_export.training.encoder_recipe.trainer import RecipeTrainer
from relatum_export.training.encoder_training import train_encoder
from relatum_export.training.settings import TrainSettings
from tests.unit.export.training.encoder_recipe.shops import WORDS, write_desk, write_shop
from tests.unit.export.training.tiny_encoder import write_tiny_encoder

SETTINGS = TrainSettings(
    epochs=3, batch_size=8, max_pairs=160, learning_rate=5e-3, frozen_layers=0, evaluations=2
)


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpora")
    return [write_shop(folder / "shop"), write_desk(folder / "desk")]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return resolve(
        str(write_tiny_encoder(tmp_path_factory.mktemp("base") / "tiny", WORDS, layers=2))
    )


@pytest.fixture(scope="module")
def run(corpora, base, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    return out, train_encoder(corpora, base, out, SETTINGS, Reporter(as_json=True), resume=True)


def test_training_on_two_corpora_at_once_helps_and_harms_neither(run):
    _, metrics = run

    assert metrics["fine_tuned_share"] > 0
    assert metrics["gain"] > 0.02
    assert set(metrics["base_figures"]) == {"shop/valid/NDCG@10", "desk/valid/R@10"}
    for name, figure in metrics["final_figures"].items():
        assert figure >= metrics["base_figures"][name] - SETTINGS.max_loss


def test_each_corpus_and_kind_is_a_set_of_its_own(run):
    _, metrics = run

    assert set(metrics["pairs_by_set"]) == {
        "shop/query_product",
        "shop/query_product/graded",
        "shop/title_description",
        "desk/question_answer",
    }
    assert metrics["pairs"] + metrics["graded_pairs"] == sum(metrics["pairs_by_set"].values())


def test_a_run_on_several_corpora_keeps_a_form_for_each_and_none_for_the_next_shop(run):
    out, metrics = run

    assert set(metrics["text_forms"]) == {"shop", "desk"}
    assert resolve(str(out)).text_form is None


def test_a_run_that_chooses_no_form_leaves_it_to_the_shop(corpora, base, tmp_path):
    settings = SETTINGS.model_copy(
        update={"choose_forms": False, "epochs": 1, "evaluations": 0, "field_dropout": 1.0}
    )
    out = tmp_path / "run"

    metrics = train_encoder(corpora[:1], base, out, settings, Reporter(as_json=True), resume=True)

    assert (metrics["text_forms"], metrics["text_form_scores"]) == ({}, {"shop": {}})
    assert resolve(str(out)).text_form is None


def test_the_run_folder_holds_what_made_it_and_no_checkpoints(run):
    out, metrics = run
    config = json.loads((out / "config.json").read_text(encoding="utf-8"))

    assert config["settings"] == SETTINGS.model_dump(mode="json")
    assert config["corpora"] == ["shop", "desk"]
    assert json.loads((out / "metrics.json").read_text(encoding="utf-8")) == metrics
    assert (out / "model" / "model.safetensors").is_file()
    assert list((out / "tensorboard").iterdir())
    assert not (out / "checkpoints").exists()
    assert [row["step"] for row in metrics["evaluations"]] == sorted(
        {row["step"] for row in metrics["evaluations"]}
    )


def test_the_last_step_is_evaluated_wherever_it_falls(corpora, base, tmp_path):
    settings = SETTINGS.model_copy(update={"evaluations": 4, "patience": 10})

    metrics = train_encoder(
        corpora, base, tmp_path / "run", settings, Reporter(as_json=True), resume=True
    )

    steps = [row["step"] for row in metrics["evaluations"]]
    assert len(steps) == settings.evaluations
    every = steps[0]
    assert (steps[-1] - steps[-2]) % every, "the case needs a last step off the grid"


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"adapter": "adalora", "frozen_layers": None},
        {"adapter": "prefix", "frozen_layers": None, "learning_rate": 0.05},
    ],
)
def test_an_interrupted_run_goes_on_to_what_it_would_have_become(
    options, corpora, base, tmp_path, monkeypatch
):
    kept = {"evaluations": 6, "patience": 2, "fine_tuned_share": 1.0}
    settings = SETTINGS.model_copy(update=kept | options)
    whole = train_encoder(
        corpora, base, tmp_path / "whole", settings, Reporter(as_json=True), resume=True
    )
    stopped_at = whole["evaluations"][-1]["step"] - 1
    step = RecipeTrainer.training_step

    def interrupted(self, *given):
        if self.state.global_step == stopped_at:
            raise KeyboardInterrupt
        return step(self, *given)

    monkeypatch.setattr(RecipeTrainer, "training_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train_encoder(
            corpora, base, tmp_path / "run", settings, Reporter(as_json=True), resume=True
        )
    monkeypatch.setattr(RecipeTrainer, "training_step", step)
    resumed = train_encoder(
        corpora, base, tmp_path / "run", settings, Reporter(as_json=True), resume=True
    )

    assert resumed == whole
    expected = load_file(tmp_path / "whole" / "model" / "model.safetensors")
    found = load_file(tmp_path / "run" / "model" / "model.safetensors")
    for name, weight in expected.items():
        np.testing.assert_array_equal(found[name], weight)


def test_a_run_interrupted_after_it_stopped_early_stops_again(corpora, base, tmp_path, monkeypatch):
    kept = {"evaluations": 8, "patience": 1, "learning_rate": 0.1, "fine_tuned_share": 1.0}
    settings = SETTINGS.model_copy(update=kept)
    whole = train_encoder(
        corpora, base, tmp_path / "whole", settings, Reporter(as_json=True), resume=True
    )

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(encoder_training, "choose_average", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train_encoder(
            corpora, base, tmp_path / "run", settings, Reporter(as_json=True), resume=True
        )
    monkeypatch.undo()
    resumed = train_encoder(
        corpora, base, tmp_path / "run", settings, Reporter(as_json=True), resume=True
    )

    assert len(whole["evaluations"]) < settings.evaluations, "the case needs an early stop"
    assert resumed == whole


@pytest.mark.parametrize(
    "options",
    [
        {"adapter": "lora", "frozen_layers": None, "learning_rate": 1e-2},
        {
            "adapter": "adalora",
            "frozen_layers": None,
            "adapter_rank": 4,
            "adversarial_epsilon": 1.0,
        },
        {
            "adapter": "prefix",
            "frozen_layers": None,
            "learning_rate": 0.05,
            "adversarial_epsilon": 0.5,
            "fine_tuned_share": 1.0,
        },
        {"hard_negatives": 2, "adversarial_epsilon": 0.5, "dropout": 0.0, "schedule": "cosine"},
    ],
)
def test_an_option_trains_and_leaves_a_plain_model(options, corpora, base, tmp_path):
    settings = SETTINGS.model_copy(update={"epochs": 1, "max_pairs": 96, **options})

    train_encoder(corpora, base, tmp_path / "run", settings, Reporter(as_json=True), resume=True)

    names = set(load_file(tmp_path / "run" / "model" / "model.safetensors"))
    assert names == set(load_file(Path(base.location) / "model.safetensors"))


def test_a_merged_adapter_gives_the_vectors_that_it_gave_before(base):
    encoder = TorchEncoder.load(base.location)
    settings = TrainSettings(adapter="lora")
    adapter = attach(encoder.module.transformer, settings, steps=10)
    assert adapter is not None
    with torch.no_grad():
        for name, parameter in encoder.module.named_parameters():
            if "lora_" in name:
                parameter.normal_(0, 0.2)
    encoder.module.eval()
    before = encoder.encode(["red lamp", "my blue chair"], kind="query")

    adapter.merge()

    plain = TorchEncoder.load(base.location).encode(["red lamp", "my blue chair"], kind="query")
    after = encoder.encode(["red lamp", "my blue chair"], kind="query")
    np.testing.assert_allclose(after, before, atol=1e-4)
    assert np.abs(after - plain).max() > 1e-2


def test_a_loss_that_is_no_number_stops_and_names_the_batch(corpora, base, tmp_path, monkeypatch):
    monkeypatch.setattr(
        GradedLoss,
        "compute_loss_from_embeddings",
        lambda self, embeddings, labels: embeddings[0].sum() * float("nan"),
    )

    with pytest.raises(InputError, match="in a batch of shop/query_product/graded"):
        train_encoder(
            corpora, base, tmp_path / "run", SETTINGS, Reporter(as_json=True), resume=True
        )

    assert not (tmp_path / "run" / "model").exists()


@pytest.mark.parametrize(
    ("given", "cause"),
    [
        ({"adapter": "prefix", "frozen_layers": 2}, "contradicts adapter prefix"),
        ({"adapter": "prefix", "fine_tuned_share": 0.5}, "no weights to average"),
        ({"adapter": "prefix", "prefix_tokens": 61}, "no room for text in max_tokens 64"),
        ({"adapter": "prefix", "validation_tokens": 8}, "no room for text in validation_tokens 8"),
        ({"prefix_tokens": 0}, "greater than or equal to 1"),
        ({"back_translation_probability": 0.5}, "back_translation_probability belong together"),
        ({"back_translation": ["a/b", "b/a"]}, "back_translation_probability belong together"),
        ({"back_translation": ["a/b"], "back_translation_probability": 0.5}, "Field required"),
        ({"adapter": "lora", "frozen_layers": 2}, "contradicts adapter lora"),
        ({"synonym_probability": 0.5}, "belong together"),
        ({"matryoshka_dims": [64, 32], "matryoshka_weights": [1.0]}, "give one each"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(given, cause):
    with pytest.raises(ValueError, match=cause):
        TrainSettings(**given)
