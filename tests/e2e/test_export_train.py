"""`train encoder` and `export` on the small shop, as a person runs them."""

import csv
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from relatum_export.artifact.onnx_encoder import OnnxEncoder, read_manifest
from relatum_export.corpus.folder import file_sha256
from relatum_export.training.encoder import TorchEncoder

PATIENCE_S = 300


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "relatum_export", *map(str, arguments)]


def training(corpus: Path, out: Path) -> list[str]:
    options = ("--base", "minilm", "--batch-size", 8, "--max-pairs", 160, "--epochs", 2)
    return command("train", "encoder", "--corpus", corpus, "--out", out, "--json", *options)


@pytest.fixture(scope="module")
def judged(shop, tmp_path_factory):
    """The shop with a query a kind of product, judged: 3 for the kind, 1 for its colour, else 0."""
    folder = tmp_path_factory.mktemp("judged")
    with (shop / "items.csv").open(encoding="utf-8") as stream:
        items = [row["item_id"] for row in csv.DictReader(stream)]
    kinds = sorted({item.rpartition("-")[0] for item in items})
    queries, judgments = ["query_id,query,split"], ["query_id,item_id,label,split"]
    for number, kind in enumerate(kinds):
        split = "valid" if number % 4 == 3 else "train"
        queries.append(f"q{number},red {kind},{split}")
        for item in items:
            label = 3 if item.startswith(kind) else int(item.endswith("red"))
            judgments.append(f"q{number},{item},{label},{split}")
    (folder / "queries.csv").write_text("\n".join(queries) + "\n", encoding="utf-8")
    (folder / "judgments.csv").write_text("\n".join(judgments) + "\n", encoding="utf-8")
    tables = ("--items", shop / "items.csv", "--events", shop / "events.csv")
    given = ("--queries", folder / "queries.csv", "--judgments", folder / "judgments.csv")
    out = folder / "corpus"
    done = subprocess.run(
        command("prepare", *tables, *given, "--out", out),
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def run(judged, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "run"
    done = subprocess.run(training(judged, out), check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads((out / "metrics.json").read_text())
    return out


@pytest.mark.long
def test_a_run_holds_its_model_its_metrics_and_no_checkpoints(run):
    metrics = json.loads((run / "metrics.json").read_text())

    assert (run / "model" / "model.safetensors").is_file()
    assert list((run / "tensorboard").iterdir())
    assert not (run / "checkpoints").exists()
    assert metrics["gain"] >= 0
    assert metrics["evaluations"]


@pytest.mark.long
def test_no_text_of_the_shop_is_written_beside_the_weights(run):
    for file in (run / "model").rglob("*"):
        if file.suffix in {".json", ".md"} and file.name != "tokenizer.json":
            assert "desk lamp" not in file.read_text(encoding="utf-8")


@pytest.mark.long
def test_a_run_killed_half_way_goes_on_to_the_same_weights(run, judged, tmp_path):
    out = tmp_path / "run"
    process = subprocess.Popen(
        training(judged, out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + PATIENCE_S
    while not list(out.glob("checkpoints/*/trainer_state.json")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.kill()
    process.wait()

    done = subprocess.run(training(judged, out), check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert "resuming from" in done.stderr
    resumed = load_file(out / "model" / "model.safetensors")
    for name, weights in load_file(run / "model" / "model.safetensors").items():
        np.testing.assert_allclose(resumed[name], weights, atol=1e-5, err_msg=name)


@pytest.mark.long
def test_a_fine_tuned_run_becomes_an_artifact_that_gives_pytorchs_vectors(run, judged, tmp_path):
    out = tmp_path / "artifact"
    done = subprocess.run(
        command("export", "--corpus", judged, "--encoder", run, "--out", out),
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr

    manifest = read_manifest(out)
    texts = ["black mouse", "office chair", "a pen that is red"]
    expected = TorchEncoder.load(run).encode(texts, kind="query")

    assert {
        file.name for file in manifest.files if file.sha256 == file_sha256(out / file.name)
    } == {
        path.relative_to(out).as_posix()
        for path in out.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }
    assert [space.name for space in manifest.spaces] == ["behaviour"]
    for precision, cosine in (("fp32", 0.9999), ("fp16", 0.999), ("int8", 0.95)):
        vectors = OnnxEncoder.open(out, precision).encode(texts, kind="query")
        assert (vectors * expected).sum(1).min() > cosine


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (("--encoder", "minlm"), "neither minilm, e5, an existing folder nor a hub id"),
        (("--encoder", "."), "holds no encoder"),
    ],
)
def test_an_encoder_that_does_not_exist_is_named_in_one_line(corpus, tmp_path, arguments, cause):
    done = subprocess.run(
        command("export", "--corpus", corpus, "--out", tmp_path / "a", *arguments),
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )

    assert done.returncode == 2
    assert cause in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "a").exists()
