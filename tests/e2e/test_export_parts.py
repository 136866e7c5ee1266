"""An artifact with every part, as the commands make it, and as the server takes it."""

import json
import shutil
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from relatum_export.__main__ import main
from relatum_server.artifact import (
    Artifact,
    load_artifact,
    load_ridge,
    load_space,
    read_graph_golden,
    read_pairs,
    read_words,
)
from tests.e2e.conftest import RUNS, export_parts


@pytest.fixture(scope="module")
def loaded(full: Path) -> Artifact:
    return load_artifact(full)


@pytest.mark.parametrize("part", ["pair_head", "user_encoder"])
def test_a_head_answers_its_golden_inputs_as_at_export(loaded, part):
    spec = getattr(loaded, part)
    session = onnxruntime.InferenceSession(str(spec.path), providers=["CPUExecutionProvider"])
    names = [node.name for node in session.get_outputs()]

    difference = read_graph_golden(spec.golden_path).check(
        lambda inputs: dict(zip(names, session.run(names, dict(inputs)), strict=True)),
        loaded.golden_max_difference,
    )

    assert difference <= 1e-5
    assert {node.name for node in session.get_inputs()} >= {"a", "b"} or part == "user_encoder"


def test_parts_fit_each_other_and_the_encoder(loaded):
    spaces = {space.name: load_space(space) for space in loaded.spaces}
    ids, behaviour = spaces["behaviour"]
    ridge = load_ridge(loaded.ridge)

    assert set(spaces) == {"behaviour", "complement_out", "complement_in"}
    assert behaviour.shape == (len(ids), loaded.user_encoder.dimension)
    np.testing.assert_allclose(np.linalg.norm(behaviour.astype(float), axis=1), 1.0, atol=1e-3)
    assert ridge.shape == (loaded.encoder.dimension + 1, behaviour.shape[1])
    assert loaded.user_encoder.repeats  # a shop with baskets
    assert loaded.user_encoder.reads_gaps  # and a clock
    assert loaded.ranker.repeats
    assert {"transitions", "frequency"} & {source.name for source in loaded.ranker.sources}
    assert read_words(loaded.pair_head.words_path).rare > 0
    assert read_pairs(loaded.pair_head.golden_features_path, len(loaded.pair_head.features))
    assert loaded.graph_path is not None


def test_the_metrics_of_each_part_are_in_the_artifact_and_its_report(full):
    parts = json.loads((full / "metrics.json").read_text(encoding="utf-8"))["parts"]
    report = (full / "report.html").read_text(encoding="utf-8")

    assert set(parts) == {"pair_head", "user_encoder", "ranker", "graph"}
    assert parts["user_encoder"]["valid"]["NDCG@10"] >= 0
    assert all(part["exported"] for part in parts.values())
    for heading in ("Pair head", "User encoder", "Ranker", "Graph"):
        assert f"<h2>{heading}</h2>" in report


def test_a_part_changes_the_model_id_and_keeps_the_encoder_id(artifact, loaded):
    without = load_artifact(artifact)

    assert without.encoder.encoder_id == loaded.encoder.encoder_id
    assert without.model_id != loaded.model_id


@pytest.mark.parametrize("name", RUNS)
def test_a_run_of_another_encoder_stops_the_export_with_one_line(
    corpus, runs, tmp_path, capsys, name
):
    other = tmp_path / "runs"
    shutil.copytree(runs, other)
    for file in (other / name).rglob("*.json"):
        content = json.loads(file.read_text(encoding="utf-8"))
        if "encoder_id" in content:
            file.write_text(json.dumps(content | {"encoder_id": "ffeeddcc00112233"}))

    status = export_parts(corpus, tmp_path / "out" / "artifact", other)

    assert status == 2
    assert (
        f"--{name} {other / name} was made on encoder ffeeddcc00112233" in capsys.readouterr().err
    )
    assert not (tmp_path / "out").exists()


def test_a_part_that_turns_out_damaged_leaves_no_artifact(corpus, runs, tmp_path, capsys):
    other = tmp_path / "runs"
    shutil.copytree(runs, other)
    broken = other / "graph" / "spaces" / "complement_in.npy"
    broken.write_bytes(broken.read_bytes()[:-4])

    status = export_parts(corpus, tmp_path / "out" / "artifact", other)

    assert status == 2
    assert "complement_in" in capsys.readouterr().err
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ms-marco", "has no judged queries or passages in train and valid"),
        ("no such thing", "neither ms-marco, a model's folder nor a hub id"),
    ],
    ids=["a shop that judged nothing", "no reranker of that name"],
)
def test_a_reranker_that_cannot_be_weighed_or_found_is_refused_in_one_line(
    corpus, tmp_path, capsys, name, message
):
    flags = ["--corpus", str(corpus), "--encoder", "minilm", "--reranker", name]

    status = main(["export", *flags, "--out", str(tmp_path / "out" / "artifact")])

    printed = capsys.readouterr().err
    assert status == 2
    assert message in printed
    assert "PyTorch to ONNX" not in printed  # before the long conversion
    assert not (tmp_path / "out").exists()
