"""The whole run on two small corpora, with an encoder of random weights."""

import json

import pytest

from relatum_export.console import Reporter
from relatum_export.training.bases import resolve
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
