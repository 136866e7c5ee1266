"""`pretrain` on a small shop and an encoder of random weights."""

import errno
import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from relatum_export.__main__ import main
from relatum_export.console import Reporter
from relatum_export.errors import InputError
from relatum_export.training.bases import resolve
from relatum_export.training.encoder import TorchEncoder
from relatum_export.training.pretraining import pretrain as pretraining
from relatum_export.training.pretraining.denoising import DenoisingAutoEncoder
from relatum_export.training.pretraining.masked_language import MaskedLanguageModel
from relatum_export.training.pretraining.settings import PretrainSettings
from tests.unit.export.evaluation.corpora import write_corpus
from tests.unit.export.training.tiny_encoder import write_tiny_encoder

COLOURS = ("red", "blue", "green", "black", "white")
THINGS = {"shoe": "leather sole", "mug": "holds coffee", "lamp": "warm light", "pen": "blue ink"}
QUIET = Reporter(as_json=True)
MLM = {"epochs": 6, "batch_size": 16, "learning_rate": 5e-3, "frozen_embeddings": False}
TSDAE = {**MLM, "objective": "tsdae", "epochs": 3}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Reviews whose every word follows from the others."""
    reviews = [
        {"review_text": f"the {colour} {thing} {of} number {n}", "split": "train"}
        for thing, of in THINGS.items()
        for colour in COLOURS
        for n in range(8)
    ]
    folder = tmp_path_factory.mktemp("shop")
    return write_corpus(folder / "corpus", (), (), {"reviews": reviews})


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    words = ["the", "number", *COLOURS, *(w for t, of in THINGS.items() for w in (t, *of.split()))]
    return write_tiny_encoder(tmp_path_factory.mktemp("tiny") / "base", words, layers=2)


def run(shop, tiny, out, settings, *, resume=True):
    return pretraining.pretrain(
        [shop],
        resolve(str(tiny)),
        out,
        PretrainSettings.model_validate(settings),
        QUIET,
        resume=resume,
    )


@pytest.mark.parametrize("settings", [MLM, TSDAE], ids=["mlm", "tsdae"])
def test_the_loss_on_held_out_texts_falls_and_the_run_is_a_base(shop, tiny, tmp_path, settings):
    metrics = run(shop, tiny, tmp_path / "run", settings)

    assert metrics["held_out_loss"] < 0.8 * metrics["held_out_loss_untrained"]
    assert metrics == json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert len(metrics["evaluations"]) >= 5
    assert list((tmp_path / "run" / "tensorboard").iterdir())
    assert not (tmp_path / "run" / "checkpoints").exists()
    encoder = TorchEncoder.load(tmp_path / "run")
    vectors = encoder.encode(["the red shoe", "blue ink"], kind="query")
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert resolve(str(tmp_path / "run")).name == tiny.name


@pytest.mark.parametrize("settings", [MLM, TSDAE], ids=["mlm", "tsdae"])
def test_a_run_broken_off_goes_on_to_the_same_weights(shop, tiny, tmp_path, settings, monkeypatch):
    run(shop, tiny, tmp_path / "whole", settings)
    kind = DenoisingAutoEncoder if settings is TSDAE else MaskedLanguageModel
    forward = kind.forward
    calls = []

    def failing(self, **batch):
        calls.append(self.training)
        if sum(calls) == 15:
            raise KeyboardInterrupt
        return forward(self, **batch)

    monkeypatch.setattr(kind, "forward", failing)
    with pytest.raises(KeyboardInterrupt):
        run(shop, tiny, tmp_path / "broken", settings)
    monkeypatch.setattr(kind, "forward", forward)
    assert list((tmp_path / "broken" / "checkpoints").iterdir())
    assert not (tmp_path / "broken" / "model").exists()

    run(shop, tiny, tmp_path / "broken", settings)

    resumed = load_file(tmp_path / "broken" / "model" / "model.safetensors")
    for name, weights in load_file(tmp_path / "whole" / "model" / "model.safetensors").items():
        torch.testing.assert_close(resumed[name], weights, atol=1e-5, rtol=0, msg=name)


def test_a_loss_that_is_not_finite_stops_names_its_batch_and_keeps_the_checkpoint(
    shop, tiny, tmp_path, monkeypatch
):
    forward = MaskedLanguageModel.forward
    calls = []

    def breaking(self, **batch):
        calls.append(self.training)
        broken = float("nan") if sum(calls) == 15 else 1.0
        return {"loss": forward(self, **batch)["loss"] * broken}

    monkeypatch.setattr(MaskedLanguageModel, "forward", breaking)

    with pytest.raises(InputError, match=r"loss of batch 15 of 60 .* is not finite") as caught:
        run(shop, tiny, tmp_path / "run", MLM)

    assert "checkpoint-12" in str(caught.value)
    assert (tmp_path / "run" / "checkpoints" / "checkpoint-12" / "trainer_state.json").is_file()
    assert not (tmp_path / "run" / "model").exists()


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        RuntimeError("PytorchStreamWriter failed writing file data/7: file write failed"),
    ],
)
def test_a_full_disk_is_named_and_the_checkpoint_before_stays(
    shop, tiny, tmp_path, monkeypatch, error
):
    save = torch.save
    kept = tmp_path / "run" / "checkpoints" / "checkpoint-6"

    def full(*args, **more):
        if (kept / "trainer_state.json").is_file():
            raise error
        save(*args, **more)

    monkeypatch.setattr(torch, "save", full)

    with pytest.raises(InputError, match="make room on the disk") as caught:
        run(shop, tiny, tmp_path / "run", MLM)

    assert str(kept) in str(caught.value)
    assert not (tmp_path / "run" / "model").exists()


def test_frozen_embeddings_stay_as_they_are(shop, tiny, tmp_path):
    settings = {**MLM, "epochs": 1, "frozen_embeddings": True, "kept_share": 1.0}
    run(shop, tiny, tmp_path / "run", settings)

    before, after = (load_file(f / "model.safetensors") for f in (tiny, tmp_path / "run" / "model"))
    name = "embeddings.word_embeddings.weight"
    assert torch.equal(before[name], after[name])
    assert not torch.equal(
        before["encoder.layer.0.output.dense.weight"], after["encoder.layer.0.output.dense.weight"]
    )


def test_without_a_valid_split_half_of_the_new_weights_is_kept(shop, tiny, tmp_path):
    metrics = run(shop, tiny, tmp_path / "run", {**MLM, "epochs": 1})

    assert (metrics["metric"], metrics["kept_share"]) == (None, 0.5)


def test_a_finished_run_is_not_trained_over(shop, tiny, tmp_path):
    run(shop, tiny, tmp_path / "run", {**MLM, "epochs": 1})

    with pytest.raises(InputError, match="finished run"):
        run(shop, tiny, tmp_path / "run", {**MLM, "epochs": 1})


@pytest.mark.parametrize(
    ("config", "cause"),
    [
        ("learning_rte = 1", "unknown key learning_rte"),
        ('objective = "gpt"', "objective"),
        ('objective = "tsdae"\nmasked_share = 0.2', "masked_share belongs to objective mlm"),
        ("deleted_share = 0.5", "deleted_share belongs to objective tsdae"),
        ("kept_share = 0.0", "kept_share"),
        ("batch_size = 64\nmax_texts = 40", "batch_size is larger than max_texts"),
        ("epochs = 0", "epochs"),
    ],
)
def test_a_config_that_cannot_be_meant_is_refused_in_one_line(
    shop, tiny, tmp_path, capsys, config, cause
):
    file = tmp_path / "pretrain.toml"
    file.write_text(config, encoding="utf-8")
    where = ("--corpus", str(shop.path), "--base", str(tiny), "--out", str(tmp_path / "run"))

    status = main(["pretrain", "--config", str(file), *where])

    printed = capsys.readouterr().err
    assert status == 2
    assert cause in printed
    assert len(printed.splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_a_handful_of_texts_is_too_few(tiny, tmp_path):
    corpus = write_corpus(tmp_path / "corpus", ["red shoe", "blue mug"])

    with pytest.raises(InputError, match="only 2 texts"):
        run(corpus, tiny, tmp_path / "run", MLM)

    assert not (tmp_path / "run").exists()
