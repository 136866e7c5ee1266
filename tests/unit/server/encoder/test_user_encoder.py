"""The user encoder of an artifact: opened, tried, refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from relatum_server.artifact import UserEncoderSpec
from relatum_server.encoder.user_encoder import OnnxUserEncoder
from relatum_server.errors import ArtifactError
from tests.fakes.graphs import write_user_encoder

HISTORY = np.array([[1.0, 0.0], [0.0, 1.0]], np.float32)
GAPS = np.array([3.0, 0.0], np.float32)


@pytest.fixture
def spec(tmp_path: Path) -> UserEncoderSpec:
    write_user_encoder(tmp_path / "users.onnx")
    write_golden(tmp_path / "golden.npz", np.array([[0.7071, 0.7071]], np.float32))
    return UserEncoderSpec(
        path=tmp_path / "users.onnx",
        space="behaviour",
        dimension=2,
        max_history=5,
        reads_gaps=True,
        repeats=False,
        golden_path=tmp_path / "golden.npz",
    )


def write_golden(file: Path, query: np.ndarray, *, gaps: bool = True) -> None:
    arrays = {"input.vectors": HISTORY[None], "input.lengths": np.array([2])}
    if gaps:
        arrays["input.gap_days"] = GAPS[None]
    np.savez(file, allow_pickle=False, **arrays, **{"output.query": query})


def test_a_history_gives_a_query_of_length_1(spec):
    encoder = OnnxUserEncoder.open(spec, 1e-3)

    query = encoder.query(HISTORY, GAPS)

    assert query.shape == (2,)
    assert np.linalg.norm(query) == pytest.approx(1.0)
    assert (encoder.max_history, encoder.repeats) == (5, False)


def test_a_graph_that_reads_no_times_is_not_given_them(spec, tmp_path):
    write_user_encoder(spec.path, gaps=False)
    write_golden(spec.golden_path, np.array([[0.7071, 0.7071]], np.float32), gaps=False)

    encoder = OnnxUserEncoder.open(replace(spec, reads_gaps=False), 1e-3)

    assert encoder.query(HISTORY, GAPS).shape == (2,)


def test_a_graph_that_reads_times_where_the_manifest_says_none_is_refused(spec):
    with pytest.raises(ArtifactError, match="gap_days"):
        OnnxUserEncoder.open(replace(spec, reads_gaps=False), 1e-3)


def test_an_encoder_that_answers_otherwise_than_at_export_is_refused(spec):
    write_golden(spec.golden_path, np.array([[1.0, 0.0]], np.float32))

    with pytest.raises(ArtifactError, match="differs"):
        OnnxUserEncoder.open(spec, 1e-3)
