"""The association head's part of an artifact."""

import json

import numpy as np
import onnxruntime
import pytest
import torch

from relatum.artifact.v1 import manifest_pb2
from relatum_export.artifact.pair_head import add_pair_head
from relatum_export.errors import InputError
from relatum_export.training.association_head.head import NEVER, AssociationHead, HeadShape
from relatum_export.training.association_head.lexical import (
    FEATURES,
    PairText,
    ProductFacts,
    WordWeights,
    pair_features,
)
from relatum_export.training.association_head.saved import SavedHead

DIMENSION = 6
WORDS = WordWeights({"lamp": 1.5, "led": 2.0}, 3.25)


class Encoder:
    """Unit vectors by the length and the first letter of a text."""

    dimension = DIMENSION
    text_form = None

    def encode(self, texts, *, kind, progress=None):
        vectors = np.array([[len(t), ord(t[0]), 3, 5, 7, 11] for t in texts], np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def head(*, features=FEATURES, dimension=DIMENSION):
    torch.manual_seed(0)
    made = AssociationHead(HeadShape(dimension, len(features), 1, 8, 2)).eval()
    made.temperature.fill_(1.5)
    made.never.copy_(torch.tensor([0.0, NEVER, NEVER, 0.0]))
    description = {
        "encoder": "tiny",
        "encoder_id": "00",
        "features": list(features),
        "same_thresholds": {},
        "label_sources": {"complement": {"people": 7}, "not_same": {"people": 5, "drawn": 2}},
    }
    return SavedHead(made, WORDS, description)


def test_graph_classes_and_label_sources_are_named(tmp_path):
    manifest = manifest_pb2.Manifest()

    add_pair_head(head(), Encoder(), tmp_path, manifest)

    part = manifest.pair_head
    assert list(part.classes) == ["unrelated", "same", "substitute", "complement"]
    assert list(part.learned_classes) == ["unrelated", "complement"]
    assert tuple(part.features) == FEATURES
    assert part.temperature == 1.5
    assert [(x.label, x.source, x.pairs) for x in part.label_sources] == [
        ("complement", "people", 7),
        ("not_same", "people", 5),
        ("not_same", "drawn", 2),
    ]
    words = json.loads((tmp_path / part.words_file).read_text(encoding="utf-8"))["words"]
    assert words == {"rare": 3.25, "weights": {"lamp": 1.5, "led": 2.0}}


def test_golden_pairs_give_their_probabilities_again(tmp_path):
    manifest = manifest_pb2.Manifest()
    add_pair_head(head(), Encoder(), tmp_path, manifest)

    with np.load(tmp_path / manifest.pair_head.golden_file) as golden:
        feed = {name: golden[f"input.{name}"] for name in ("a", "b", "features")}
        expected = golden["output.probabilities"]

    session = onnxruntime.InferenceSession(
        tmp_path / manifest.pair_head.file, providers=["CPUExecutionProvider"]
    )
    (found,) = session.run(["probabilities"], feed)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_allclose(expected.sum(axis=1), 1.0, atol=1e-6)
    assert (expected[:, 1:3] == 0).all()  # nobody labelled those classes
    assert len(np.unique(expected[:, 0])) > 1


def test_golden_features_can_be_computed_again_from_their_facts(tmp_path):
    manifest = manifest_pb2.Manifest()
    add_pair_head(head(), Encoder(), tmp_path, manifest)
    file = tmp_path / manifest.pair_head.golden_features_file

    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]

    with np.load(tmp_path / manifest.pair_head.golden_file) as golden:
        fed = golden["input.features"]
    for line, row in zip(lines, fed, strict=True):
        a, b = (PairText.of(ProductFacts(**line[side])) for side in "ab")
        np.testing.assert_allclose(pair_features(a, b, WORDS), row, atol=1e-6)
        np.testing.assert_allclose(line["features"], row, atol=1e-6)


def test_a_head_of_vectors_alone_has_neither_words_nor_features(tmp_path):
    manifest = manifest_pb2.Manifest()

    add_pair_head(head(features=()), Encoder(), tmp_path, manifest)

    part = manifest.pair_head
    assert (list(part.features), part.words_file, part.golden_features_file) == ([], "", "")
    assert not (tmp_path / "golden/pair_features.jsonl").exists()
    with np.load(tmp_path / part.golden_file) as golden:
        assert sorted(golden.files) == ["input.a", "input.b", "output.probabilities"]


@pytest.mark.parametrize(
    ("saved", "expected"),
    [
        (head(dimension=5), "reads vectors of 5 numbers"),
        (head(features=FEATURES[:3]), "and the features title_cosine, "),
    ],
    ids=["dimension", "features"],
)
def test_a_head_that_does_not_fit_is_refused_before_anything_is_written(tmp_path, saved, expected):
    with pytest.raises(InputError, match=expected):
        add_pair_head(saved, Encoder(), tmp_path, manifest_pb2.Manifest())

    assert list(tmp_path.iterdir()) == []
