"""The association head of an artifact: opened, tried, refused."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from relatum_server.artifact import PairHeadSpec, WordWeights
from relatum_server.encoder.pair_features import FEATURES, PairText, ProductFacts, pair_features
from relatum_server.encoder.pair_head import OnnxPairHead
from relatum_server.errors import ArtifactError
from tests.fakes.graphs import write_pair_head

CLASSES = ("unrelated", "same", "substitute", "complement")
SLOPES = (0.0, -50.0, 2.0, 1.0)
WORDS = WordWeights({"lamp": 1.5}, 3.0)
LAMP, DESK = ProductFacts("desk lamp LX-2000", price=20.0), ProductFacts("lamp LX2000", "Acme")
DIFFERENCE = 1e-3


@pytest.fixture
def spec(tmp_path: Path) -> PairHeadSpec:
    """A head that learned three of the classes and reads the two vectors alone."""
    write_pair_head(tmp_path / "head.onnx", SLOPES)
    a, b = (np.array([x], np.float32) for x in ((1.0, 0.0), (0.6, 0.8)))
    logits = 0.6 * np.array(SLOPES)
    expected = (np.exp(logits) / np.exp(logits).sum()).astype(np.float32)
    golden = {"input.a": a, "input.b": b, "output.probabilities": expected[None]}
    np.savez(tmp_path / "golden.npz", allow_pickle=False, **golden)
    return PairHeadSpec(
        path=tmp_path / "head.onnx",
        classes=CLASSES,
        learned=("unrelated", "substitute", "complement"),
        dimension=2,
        features=(),
        words_path=None,
        temperature=1.0,
        label_sources=(),
        golden_path=tmp_path / "golden.npz",
        golden_features_path=None,
    )


@pytest.fixture
def with_words(spec: PairHeadSpec, tmp_path: Path) -> PairHeadSpec:
    """The same head with the features of the pair."""
    weights = np.zeros((len(FEATURES), len(CLASSES)), np.float32)
    weights[FEATURES.index("codes_a"), CLASSES.index("complement")] = 4.0
    write_pair_head(tmp_path / "head.onnx", SLOPES, weights)
    with np.load(tmp_path / "golden.npz") as archive:
        arrays = {name: archive[name] for name in archive.files}
    arrays["input.features"] = np.zeros((1, len(FEATURES)), np.float32)
    np.savez(tmp_path / "golden.npz", allow_pickle=False, **arrays)
    words = {"rare": WORDS.rare, "weights": WORDS.weights}
    (tmp_path / "words.json").write_text(json.dumps({"words": words}), encoding="utf-8")
    write_golden_pair(tmp_path / "pairs.jsonl", change=0.0)
    return replace(
        spec,
        features=FEATURES,
        words_path=tmp_path / "words.json",
        golden_features_path=tmp_path / "pairs.jsonl",
    )


def write_golden_pair(file: Path, change: float) -> None:
    features = pair_features(PairText.of(LAMP), PairText.of(DESK), WORDS)
    features[0] += change
    line = {"a": asdict(LAMP), "b": asdict(DESK), "features": features}
    file.write_text(json.dumps(line), encoding="utf-8")


def refusal(spec: PairHeadSpec) -> str:
    with pytest.raises(ArtifactError) as error:
        OnnxPairHead.open(spec, DIFFERENCE)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_head_speaks_of_the_classes_that_it_learned(spec):
    head = OnnxPairHead.open(spec, DIFFERENCE)
    a = np.array([[1.0, 0.0], [0.0, 1.0]], np.float32)

    found = head.probabilities(a, a[:1].repeat(2, axis=0), [])

    assert head.classes == ("unrelated", "substitute", "complement")
    assert not head.reads_texts
    assert found.sum(axis=1) == pytest.approx([1.0, 1.0], abs=0.26)  # `same` is 1/4 of the second
    assert found[0].argmax() == 1


def test_words_of_the_pair_move_a_head_that_reads_them(with_words):
    head = OnnxPairHead.open(with_words, DIFFERENCE)
    one = np.array([[1.0, 0.0]], np.float32)
    coded, plain = PairText.of(LAMP), PairText.of(ProductFacts("a lamp"))

    assert head.reads_texts
    assert head.probabilities(one, one, [(coded, plain)])[0].argmax() == 2
    assert head.probabilities(one, one, [(plain, plain)])[0].argmax() == 1


def test_a_head_that_answers_otherwise_than_at_export_is_refused(spec):
    write_pair_head(spec.path, (0.0, -50.0, 2.1, 1.0))

    assert "differs" in refusal(spec)


def test_a_head_of_other_inputs_is_refused(spec, with_words):
    assert "features" in refusal(replace(with_words, features=(), words_path=None))


def test_a_file_that_is_no_graph_is_refused(spec):
    spec.path.write_bytes(b"no graph")

    assert "cannot open it" in refusal(spec)


def test_golden_vectors_of_another_length_are_refused(spec):
    golden = {
        "input.a": np.ones((1, 3), np.float32),
        "input.b": np.ones((1, 2), np.float32),
        "output.probabilities": np.ones((1, 4), np.float32),
    }
    np.savez(spec.golden_path, allow_pickle=False, **golden)

    assert "cannot run it" in refusal(spec)


def test_features_that_are_computed_otherwise_here_are_refused_by_name(with_words):
    write_golden_pair(with_words.golden_features_path, change=0.01)

    assert "title_cosine" in refusal(with_words)


def test_a_head_of_features_that_this_server_has_not_is_refused(with_words):
    assert "reads the features" in refusal(replace(with_words, features=("price",)))


def test_golden_facts_that_are_none_of_a_product_are_refused(with_words):
    line = {"a": {"colour": "red"}, "b": {}, "features": [0.0] * len(FEATURES)}
    with_words.golden_features_path.write_text(json.dumps(line), encoding="utf-8")

    assert "not facts of a product" in refusal(with_words)
