"""`compress` on a small shop: students learn, the table is whole, the run is an encoder."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from relatum_export.__main__ import main
from relatum_export.console import Reporter
from relatum_export.errors import InputError
from relatum_export.training.bases import resolve
from relatum_export.training.compression.compress import compress
from relatum_export.training.compression.distillation import Distillation, near_lengths
from relatum_export.training.compression.settings import CompressSettings
from relatum_export.training.encoder import TorchEncoder
from tests.unit.export.evaluation.corpora import write_corpus

QUIET = Reporter(as_json=True)
SMALL = {
    "epochs": 6,
    "batch_size": 8,
    "learning_rate": 3e-3,
    "calibration_texts": 20,
    "students": {"half": 0.5},
    "precisions": ["fp32", "int8-static"],
}


def run(shop, tiny, out, **more):
    settings = CompressSettings.model_validate({**SMALL, **more})
    return compress([shop], resolve(str(tiny)), out, settings, QUIET, resume=True)


@pytest.fixture(scope="module")
def finished(shop, tiny, tmp_path_factory):
    out = tmp_path_factory.mktemp("compress") / "run"
    return out, run(shop, tiny, out, max_loss=0.9)


def test_distillation_brings_a_student_nearer_to_its_teacher(finished):
    student = finished[1]["students"]["half"]

    assert student["cosine"] > student["cosine_untrained"] + 0.02
    assert student["cosine"] > 0.9
    assert len(student["kept_layers"]) == 2
    assert len(student["evaluations"]) >= 5


def test_the_table_has_every_model_in_every_precision(finished):
    out, metrics = finished
    rows = {f"{row['model']}/{row['precision']}": row for row in metrics["table"]}

    written = (out / "metrics.json").read_text(encoding="utf-8")
    assert json.loads(json.dumps(metrics)) == json.loads(written)
    assert set(rows) == {
        f"{model}/{precision}"
        for model in ("teacher", "half")
        for precision in ("fp32", "int8-static")
    }
    assert rows["teacher/fp32"]["loss"] == pytest.approx(0, abs=1e-6)
    assert rows["teacher/fp32"]["neighbours"] > 0.99
    assert rows["teacher/fp32"]["speed"] == 1.0
    assert rows["half/fp32"]["megabytes"] < rows["teacher/fp32"]["megabytes"]
    assert rows["teacher/int8-static"]["megabytes"] < rows["teacher/fp32"]["megabytes"]
    assert "shop/valid/NDCG@10" in metrics["figures"]["half/int8-static"]


def test_the_run_and_each_student_are_encoders_of_the_teachers_width(finished, tiny):
    out, metrics = finished
    teacher = TorchEncoder.load(tiny)
    for folder in (out, out / "students" / "half"):
        encoder = TorchEncoder.load(folder)
        vectors = encoder.encode(["red mug", "a lamp"], kind="query")

        assert vectors.shape == (2, teacher.dimension)
        assert encoder.text_form is not None
    assert metrics["default"]["model"] in ("teacher", "half")
    table = json.loads((out / "table.json").read_text(encoding="utf-8"))
    assert table["default"]["model"] == metrics["default"]["model"]
    assert "pooled/valid/loss/student-half" in {row["name"] for row in table["rows"]}
    assert list((out / "students" / "half" / "tensorboard").iterdir())


def test_pieces_of_scripts_that_the_shop_lacks_are_pruned(finished):
    out, metrics = finished

    assert metrics["vocabulary"]["after"] < metrics["vocabulary"]["before"]
    words = load_file(out / "model" / "model.safetensors")["embeddings.word_embeddings.weight"]
    assert len(words) == metrics["vocabulary"]["after"]


def test_a_student_broken_off_goes_on_to_the_same_weights(
    shop, tiny, finished, tmp_path, monkeypatch
):
    forward = Distillation.forward
    calls = []

    def failing(self, **batch):
        calls.append(self.training)
        if sum(calls) == 50:
            raise KeyboardInterrupt
        return forward(self, **batch)

    monkeypatch.setattr(Distillation, "forward", failing)
    with pytest.raises(KeyboardInterrupt):
        run(shop, tiny, tmp_path / "run", max_loss=0.9)
    monkeypatch.setattr(Distillation, "forward", forward)
    assert not (tmp_path / "run" / "model").exists()

    metrics = run(shop, tiny, tmp_path / "run", max_loss=0.9)

    student = "students/half/model/model.safetensors"
    resumed = load_file(tmp_path / "run" / student)
    for name, weights in load_file(finished[0] / student).items():
        torch.testing.assert_close(resumed[name], weights, atol=1e-5, rtol=0, msg=name)
    assert metrics["students"] == finished[1]["students"]


def test_a_loss_that_is_not_finite_stops_and_leaves_no_model(shop, tiny, tmp_path, monkeypatch):
    def broken(self, **batch):
        return {"loss": sum(p.sum() for p in self.parameters()) * float("nan")}

    monkeypatch.setattr(Distillation, "forward", broken)

    with pytest.raises(InputError, match=r"loss of batch 1 of .* is not finite"):
        run(shop, tiny, tmp_path / "run")

    assert not (tmp_path / "run" / "model").exists()
    assert not (tmp_path / "run" / "students" / "half" / "model").exists()


def test_batches_hold_each_text_once_and_near_lengths_together():
    rows = [[0] * (1 + 7 * at % 30) for at in range(50)]

    batches = near_lengths(rows, 8)

    assert sorted(len(row) for batch in batches for row in batch) == sorted(map(len, rows))
    assert all(max(map(len, batch)) - min(map(len, batch)) <= 8 for batch in batches)


@pytest.mark.parametrize(
    ("config", "cause"),
    [
        ("layers = 3", "unknown key layers"),
        ('precisions = ["int4"]', "precisions.0"),
        ("precisions = []", "precisions must name at least one"),
        ("[students]\nhalf = 1.5", "students.half"),
        ("[students]\nteacher = 0.5", "other than teacher"),
        ("batch_size = 64\nmax_texts = 40", "batch_size is larger than max_texts"),
        ("max_loss = 2.0", "max_loss"),
    ],
)
def test_a_config_that_cannot_be_meant_is_refused_in_one_line(
    shop, tiny, tmp_path, capsys, config, cause
):
    file = tmp_path / "compress.toml"
    file.write_text(config, encoding="utf-8")
    where = ("--corpus", str(shop.path), "--encoder", str(tiny), "--out", str(tmp_path / "run"))

    status = main(["compress", "--config", str(file), *where])

    printed = capsys.readouterr().err
    assert status == 2
    assert cause in printed
    assert len(printed.splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_a_corpus_without_products_has_no_titles_to_measure_by(tiny, tmp_path):
    reviews = [{"review_text": f"review {n}", "split": "train"} for n in range(60)]
    corpus = write_corpus(tmp_path / "corpus", (), (), {"reviews": reviews})

    with pytest.raises(InputError, match="has no products"):
        run(corpus, tiny, tmp_path / "run")

    assert not (tmp_path / "run").exists()


def test_without_students_only_precisions_are_tried(shop, tiny, tmp_path):
    metrics = run(shop, tiny, tmp_path / "run", students={}, precisions=["fp32"])

    assert metrics["students"] == {}
    assert [row["model"] for row in metrics["table"]] == ["teacher"]
    assert np.isfinite(metrics["table"][0]["titles_per_s"])
