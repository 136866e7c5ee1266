"""Golden inputs of a head's graph, and what a server does with other answers."""

import json
from typing import Any

import numpy as np
import pytest

from relatum_server.artifact import read_graph_golden, read_pairs
from relatum_server.errors import ArtifactError

INPUT = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)
OUTPUT = np.array([[0.25, 0.75], [0.5, 0.5]], np.float32)
LIMIT = 1e-3


@pytest.fixture
def golden(tmp_path):
    arrays: dict[str, Any] = {"input.a": INPUT, "output.probabilities": OUTPUT}
    np.savez(tmp_path / "head.npz", **arrays)
    return read_graph_golden(tmp_path / "head.npz")


def test_a_graph_that_answers_as_at_export_passes_with_its_difference(golden):
    fed = {}

    def run(inputs):
        fed.update(inputs)
        return {"probabilities": OUTPUT + np.float32(2.0**-12), "more": INPUT}

    assert golden.check(run, LIMIT) == 2.0**-12
    assert list(fed) == ["a"]
    np.testing.assert_array_equal(fed["a"], INPUT)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({}, "output probabilities is None"),
        ({"probabilities": OUTPUT[:1]}, r"is \[1, 2\] where \[2, 2\] was expected"),
        ({"probabilities": OUTPUT + np.float32(0.01)}, "differs by 0.01"),
        ({"probabilities": np.full_like(OUTPUT, np.nan)}, "differs by nan"),
    ],
    ids=["missing", "shape", "other-values", "nan"],
)
def test_a_graph_that_answers_otherwise_is_refused(golden, answer, expected):
    with pytest.raises(ArtifactError, match=expected):
        golden.check(lambda _: answer, LIMIT)


@pytest.mark.parametrize(
    "arrays",
    [
        {},
        {"input.a": INPUT},
        {"output.probabilities": OUTPUT},
        {"input.a": INPUT, "output.probabilities": OUTPUT[:1]},
        {"input.a": INPUT[:0], "output.probabilities": OUTPUT[:0]},
        {"input.a": np.float32(1), "output.probabilities": np.float32(1)},
        {"input.a": INPUT, "output.probabilities": np.full_like(OUTPUT, np.nan)},
        {"input.a": INPUT, "output.probabilities": np.array(["a", "b"])},
        {"input.a": np.array([None, 1], object), "output.probabilities": OUTPUT},
    ],
    ids=["empty", "no-output", "no-input", "rows", "no-rows", "scalars", "nan", "text", "objects"],
)
def test_an_archive_that_is_no_golden_one_is_refused(tmp_path, arrays):
    file = tmp_path / "head.npz"
    np.savez(file, **arrays)

    with pytest.raises(ArtifactError, match=r"head\.npz"):
        read_graph_golden(file)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut", b"\x93NUMPY"])
def test_a_file_that_is_no_archive_is_refused(tmp_path, content):
    file = tmp_path / "head.npz"
    file.write_bytes(content)

    with pytest.raises(ArtifactError, match=r"head\.npz"):
        read_graph_golden(file)


def test_golden_pairs_come_with_their_facts_and_features(folder):
    folder.add_parts()

    (pair,) = read_pairs(folder.path / "golden/pair_features.jsonl", 2)

    assert pair.a["title"] == "lamp"
    assert pair.a["price"] is None
    assert pair.b["price"] == 2.5
    assert pair.features.tolist() == [0.5, 1.0]


@pytest.mark.parametrize(
    "line",
    [
        {"a": {}, "b": {}},
        {"a": {}, "b": {}, "features": [1.0]},
        {"a": {}, "b": {}, "features": [1.0, "x"]},
        {"a": 1, "b": {}, "features": [1.0, 2.0]},
        [],
        None,
    ],
)
def test_golden_pairs_that_are_something_else_are_refused(tmp_path, line):
    file = tmp_path / "pair_features.jsonl"
    file.write_text("" if line is None else json.dumps(line))

    with pytest.raises(ArtifactError, match=r"pair_features\.jsonl"):
        read_pairs(file, 2)
