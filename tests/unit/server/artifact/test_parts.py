"""Optional parts: described when sound, refused by name when they do not fit together."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from relatum_server.artifact import load_artifact, read_words


def load(path: Path) -> Any:
    """The artifact, of which the tests know which parts are there."""
    return load_artifact(path)


def test_every_part_is_described_in_plain_values(folder):
    folder.add_parts()

    artifact = load(folder.seal())

    head, users = artifact.pair_head, artifact.user_encoder
    assert head.classes == head.learned == ("unrelated", "complement")
    assert head.features == ("title_cosine", "brand")
    assert head.label_sources == (("complement", "people", 7),)
    assert head.golden_features_path.name == "pair_features.jsonl"
    assert (users.space, users.dimension, users.max_history) == ("behaviour", 2, 8)
    assert users.reads_gaps
    assert not users.repeats
    assert artifact.ridge.input_dimension == 4
    assert [space.name for space in artifact.spaces] == [
        "behaviour",
        "complement_out",
        "complement_in",
    ]
    assert artifact.transitions_path.name == "transitions.parquet"
    assert artifact.graph_path.name == "graph.parquet"
    assert [source.name for source in artifact.ranker.sources] == ["users", "transitions"]
    assert artifact.golden_max_difference == 0.001
    words = artifact.words
    assert (words.similar, words.search, words.rerank) == (0.4, 0.2, 0)
    assert read_words(words.path, "products").weights == {"lamp": 1.25}
    reranker = artifact.reranker
    assert (reranker.max_tokens, reranker.pad_token_id, reranker.rerank) == (160, 7, 0.02)
    assert [(v.precision, v.path.name) for v in reranker.variants] == [("int8", "reranker.onnx")]
    assert reranker.golden_path.name == "golden_reranker.jsonl"


def test_an_artifact_without_parts_has_none(folder):
    artifact = load(folder.seal())

    assert artifact.pair_head is None
    assert artifact.user_encoder is None
    assert artifact.ridge is None
    assert artifact.transitions_path is None
    assert artifact.ranker is None
    assert artifact.graph_path is None
    assert artifact.words is None
    assert artifact.reranker is None


@pytest.mark.parametrize("part", ["pairHead", "ridge", "ranker", "graphFile", "reranker"])
def test_a_part_may_be_absent_alone(folder, part):
    folder.add_parts()
    del folder.manifest[part]

    load(folder.seal())


def test_a_head_of_vectors_alone_needs_no_words(folder):
    folder.add_parts()
    for key in ("features", "wordsFile", "goldenFeaturesFile"):
        del folder.manifest["pairHead"][key]

    head = load(folder.seal()).pair_head

    assert head.features == ()
    assert head.words_path is None
    assert head.golden_features_path is None


@pytest.mark.parametrize(
    ("part", "change", "expected"),
    [
        ("pairHead", {"dimension": 3}, "pair_head.dimension is 3 and the encoder's is 4"),
        ("pairHead", {"classes": ["same", "rival"]}, "['same', 'rival'], known are"),
        ("pairHead", {"classes": ["same", "same"]}, "each at most once"),
        (
            "pairHead",
            {"classes": ["same"], "learnedClasses": ["same"]},
            "pair_head.classes are fewer than two",
        ),
        ("pairHead", {"learnedClasses": ["same"]}, "learned_classes are ['same']"),
        ("pairHead", {"learnedClasses": []}, "learned_classes are []"),
        ("pairHead", {"temperature": 0}, "temperature is 0.0, not above 0"),
        ("pairHead", {"temperature": "NaN"}, "temperature is nan"),
        ("pairHead", {"features": ["brand", "brand"]}, "features name one twice"),
        ("pairHead", {"wordsFile": ""}, "words_file and golden_features_file come with features"),
        ("pairHead", {"features": []}, "words_file and golden_features_file come with features"),
        ("pairHead", {"file": "other.onnx"}, "pair_head.file names 'other.onnx'"),
        ("pairHead", {"goldenFile": ""}, "pair_head.golden_file names ''"),
        ("userEncoder", {"space": "text"}, "user_encoder.space is 'text', and the spaces are"),
        ("userEncoder", {"dimension": 3}, "user_encoder.dimension is 3 and the space's is 2"),
        ("userEncoder", {"maxHistory": 0}, "user_encoder.max_history is 0"),
        ("userEncoder", {"goldenFile": "x.npz"}, "user_encoder.golden_file names 'x.npz'"),
        ("ridge", {"inputDimension": 5}, "ridge.input_dimension is 5 and the encoder's"),
        ("ridge", {"dimension": 3}, "ridge.dimension is 3 and the space's is 2"),
        ("ridge", {"space": "complement_in"}, "ridge.dimension is 2 and the space's is 3"),
        ("ranker", {"version": 2}, "ranker.version is 2 and its file's 1"),
        ("ranker", {"sources": ["text"]}, "ranker.sources are ['text'] and its file's"),
        ("words", {"similar": -0.1}, "words.similar is -0.1, not a number of 0 or more"),
        ("words", {"rerank": "NaN"}, "words.rerank is nan, not a number of 0 or more"),
        ("words", {"file": "other.json"}, "words.file names 'other.json', which `files`"),
        ("reranker", {"rerank": -1}, "reranker.rerank is -1.0, not a number of 0 or more"),
        ("reranker", {"answers": "NaN"}, "reranker.answers is nan, not a number of 0 or more"),
        ("reranker", {"maxTokens": 0}, "reranker.max_tokens is 0"),
        ("reranker", {"variants": []}, "reranker.variants is empty"),
        ("reranker", {"tokenizerFile": "x.json"}, "reranker.tokenizer_file names 'x.json'"),
        ("reranker", {"goldenFile": ""}, "reranker.golden_file names ''"),
        (
            "reranker",
            {"variants": [{"precision": "int8", "file": "x.onnx"}]},
            "reranker.variants.file names 'x.onnx'",
        ),
        ("thresholds", {"goldenMaxDifference": 0}, "golden_max_difference is 0.0 for the heads"),
        ("thresholds", {"goldenMaxDifference": 1}, "golden_max_difference is 1.0 for the heads"),
    ],
)
def test_a_part_that_contradicts_the_rest_is_refused(folder, refusal, part, change, expected):
    folder.add_parts()
    folder.manifest[part] |= change

    assert expected in refusal(folder.seal())


@pytest.mark.parametrize(
    ("spaces", "expected"),
    [
        (["behaviour", "complement_in"], "there is one alone"),
        (["complement_in", "complement_in"], "name one twice"),
    ],
)
def test_spaces_that_do_not_make_a_whole_are_refused(folder, refusal, spaces, expected):
    folder.add_parts()
    by_name = {space["name"]: space for space in folder.manifest["spaces"]}
    folder.manifest["spaces"] = [by_name[name] for name in spaces]

    assert expected in refusal(folder.seal())


def test_complement_spaces_of_two_dimensions_are_refused(folder, refusal):
    folder.add_parts()
    folder.manifest["spaces"][-1]["dimension"] = 2

    assert "differ in dimension" in refusal(folder.seal())


@pytest.mark.parametrize("part", ["userEncoder", "transitionsFile"])
def test_a_ranker_whose_source_is_absent_is_refused(folder, refusal, part):
    folder.add_parts()
    del folder.manifest[part]

    assert "the ranker weighs parts that are absent" in refusal(folder.seal())


@pytest.mark.parametrize(
    "weights",
    [
        np.ones((5, 3), np.float32),
        np.ones((4, 2), np.float32),
        np.ones((5, 2), np.float64),
        np.full((5, 2), np.nan, np.float32),
    ],
    ids=["dimension", "no-added-row", "type", "nan"],
)
def test_a_ridge_map_of_another_shape_or_without_numbers_is_refused(folder, refusal, weights):
    folder.add_parts()
    np.save(folder.path / "ridge.npy", weights)

    assert "ridge.npy" in refusal(folder.seal())


@pytest.mark.parametrize(
    ("name", "columns", "types"),
    [
        ("transitions.parquet", {"item_id_a": ["a"], "item_id_b": ["b"]}, [pa.string()] * 2),
        (
            "transitions.parquet",
            {"item_id_a": ["a"], "item_id_b": ["b"], "weight": [1]},
            [pa.string(), pa.string(), pa.int32()],
        ),
        (
            "graph.parquet",
            {"source": ["a"], "relation": ["brand"], "target": ["x"], "count": [1.0]},
            [pa.string(), pa.string(), pa.string(), pa.float32()],
        ),
    ],
    ids=["no-weight", "whole-weights", "broken-counts"],
)
def test_a_table_of_other_columns_is_refused(folder, refusal, name, columns, types):
    folder.add_parts()
    folder.write_table(name, columns, types)

    message = refusal(folder.seal())

    assert name in message
    assert "were expected" in message


@pytest.mark.parametrize("name", ["transitions.parquet", "graph.parquet"])
def test_a_table_that_was_cut_before_it_was_sealed_is_refused(folder, refusal, name):
    folder.add_parts()
    whole = (folder.path / name).read_bytes()
    folder.write(name, whole[: len(whole) // 2])

    assert name in refusal(folder.seal())


@pytest.mark.parametrize(
    "name",
    [
        "pair_head.onnx",
        "pair_head.json",
        "user_encoder.onnx",
        "ridge.npy",
        "transitions.parquet",
        "ranker.json",
        "graph.parquet",
        "golden/pair_head.npz",
        "golden/pair_features.jsonl",
        "golden/user_encoder.npz",
        "spaces/complement_in.npy",
    ],
)
def test_a_truncated_part_is_refused_by_name(folder, refusal, name):
    folder.add_parts()
    file = folder.seal() / name
    file.write_bytes(file.read_bytes()[:-1])

    assert name in refusal(folder.path)


def test_a_part_of_a_newer_format_is_refused_as_no_manifest(folder, refusal):
    folder.add_parts()
    folder.manifest["pairHead"]["newer"] = 1

    assert "not a manifest" in refusal(folder.seal())
