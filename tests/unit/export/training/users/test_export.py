"""The exported graph is the trained encoder, alone or in company, at any length."""

import json

import numpy as np
import onnxruntime
import pytest
import torch

from relatum_export.errors import QualityError
from relatum_export.training.users import export as exporting
from relatum_export.training.users.export import export_users, write_graph
from relatum_export.training.users.model import UserEncoder
from relatum_export.training.users.run import TrainedUsers
from relatum_export.training.users.training import train_users
from tests.unit.export.training.users.shops import PRODUCTS, QUIET, ROUND_TEXT, SMALL, round_shop


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    settings = SMALL.model_copy(update={"epochs": 1})
    train_users(
        round_shop(folder / "shop"), ROUND_TEXT, folder / "run", settings, QUIET, resume=True
    )
    return TrainedUsers.open(folder / "run")


def test_the_files_of_an_artifact_have_the_documented_shapes(trained, tmp_path):
    exported = export_users(trained, tmp_path)

    vectors = np.load(tmp_path / "spaces/behaviour.npy")
    ids = json.loads((tmp_path / "spaces/behaviour.ids.json").read_text(encoding="utf-8"))
    ridge = np.load(tmp_path / "ridge.npy")
    assert all((tmp_path / name).is_file() for name in exported.files)
    assert vectors.dtype == np.float16
    assert vectors.shape == (PRODUCTS - 1, 16)  # one was never bought
    assert ids == list(trained.items[:-1])
    assert ridge.shape == (13, 16)
    assert exported.max_difference <= 1e-4
    assert (exported.dimension, exported.max_history) == (16, 8)
    assert exported.inputs == ("vectors", "lengths")  # the shop has no times


@pytest.mark.parametrize("gap", [-1.0, 0.0, 2.5, 1e4])
def test_a_history_is_answered_alike_alone_and_among_longer_ones(tmp_path, gap):
    torch.manual_seed(3)
    encoder = UserEncoder(SMALL).eval()
    assert encoder.gap is not None
    torch.nn.init.normal_(encoder.gap.weight)
    write_graph(encoder, tmp_path / "graph.onnx")
    session = onnxruntime.InferenceSession(
        tmp_path / "graph.onnx", providers=["CPUExecutionProvider"]
    )
    vectors = np.random.default_rng(0).normal(size=(3, 8, 16)).astype(np.float32)
    gaps = np.full((3, 8), gap, np.float32)
    lengths = np.array([8, 1, 5])

    together = session.run(None, {"vectors": vectors, "lengths": lengths, "gap_days": gaps})[0]

    for row, length in enumerate(lengths):
        with torch.inference_mode():
            expected = encoder(
                torch.from_numpy(vectors[row : row + 1, :length]),
                torch.tensor([length]),
                torch.from_numpy(gaps[row : row + 1, :length]),
            )
        np.testing.assert_allclose(together[row], expected[0], atol=1e-5)


def test_a_graph_that_differs_from_pytorch_is_refused(trained, tmp_path, monkeypatch):
    other = UserEncoder(SMALL)
    real = exporting.write_graph
    monkeypatch.setattr(exporting, "write_graph", lambda _, out: real(other, out))

    with pytest.raises(QualityError, match="differs from PyTorch"):
        export_users(trained, tmp_path)
