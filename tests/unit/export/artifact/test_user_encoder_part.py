"""The user encoder's part of an artifact."""

import json

import numpy as np
import onnxruntime
import pytest

from relatum.artifact.v1 import manifest_pb2
from relatum_export.artifact.user_encoder import add_user_encoder
from relatum_export.errors import InputError
from relatum_export.training.users.run import TrainedUsers
from relatum_export.training.users.training import train_users
from tests.unit.export.evaluation.corpora import write_corpus
from tests.unit.export.training.users.shops import QUIET, ROUND_TEXT, SMALL, round_shop

TEXT_DIMENSION = 12


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    return round_shop(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def trained(shop, tmp_path_factory):
    run = tmp_path_factory.mktemp("run") / "run"
    train_users(shop, ROUND_TEXT, run, SMALL.model_copy(update={"epochs": 1}), QUIET, resume=True)
    return TrainedUsers.open(run)


def manifest(dimension=TEXT_DIMENSION):
    return manifest_pb2.Manifest(encoder=manifest_pb2.Encoder(dimension=dimension))


def test_graph_space_and_map_are_named_with_their_shapes(trained, shop, tmp_path):
    part = manifest()

    add_user_encoder(trained, shop, tmp_path, part)

    (space,) = part.spaces
    ids = json.loads((tmp_path / space.ids_file).read_text(encoding="utf-8"))
    assert (space.name, space.dimension) == ("behaviour", 16)
    assert np.load(tmp_path / space.vectors_file).shape == (len(ids), 16)
    assert np.load(tmp_path / part.ridge.file).shape == (TEXT_DIMENSION + 1, 16)
    assert (part.user_encoder.max_history, part.user_encoder.dimension) == (8, 16)
    assert part.user_encoder.reads_gaps is False  # the shop has no clock
    assert part.user_encoder.repeats is False  # its protocol removes what was seen


def test_golden_histories_reach_from_one_event_to_the_limit(trained, shop, tmp_path):
    part = manifest()
    add_user_encoder(trained, shop, tmp_path, part)

    with np.load(tmp_path / part.user_encoder.golden_file) as golden:
        lengths, vectors = golden["input.lengths"], golden["input.vectors"]
        expected = golden["output.query"]

    session = onnxruntime.InferenceSession(
        tmp_path / part.user_encoder.file, providers=["CPUExecutionProvider"]
    )
    assert lengths.tolist() == [1, 2, 4, 8]
    for row, length in enumerate(lengths):
        feed = {"vectors": vectors[row : row + 1, :length], "lengths": lengths[row : row + 1]}
        (query,) = session.run(["query"], feed)
        np.testing.assert_allclose(query[0], expected[row], atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(expected, axis=1), 1.0, atol=1e-5)


def test_an_encoder_of_another_shop_is_refused(trained, tmp_path):
    other = write_corpus(tmp_path / "other", ["x1", "x2"])

    with pytest.raises(InputError, match="has none of the 23 products"):
        add_user_encoder(trained, other, tmp_path, manifest())


def test_a_map_from_vectors_of_another_length_is_refused(trained, shop, tmp_path):
    with pytest.raises(InputError, match=r"reads text vectors of 12 numbers .* have 384"):
        add_user_encoder(trained, shop, tmp_path, manifest(384))
