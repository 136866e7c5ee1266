"""The encoder over a real artifact, as the export commands wrote it."""

import dataclasses
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from relatum_server.artifact import Artifact, load_artifact, load_space, read_table
from relatum_server.encoder.onnx import OnnxEncoder, OnnxSettings
from relatum_server.encoder.session import SessionSettings
from relatum_server.errors import ArtifactError

CPU_ONLY = SessionSettings(provider="cpu")


@pytest.fixture(scope="module")
def loaded(artifact: Path) -> Artifact:
    return load_artifact(artifact)


@pytest.fixture(scope="module")
def encoder(loaded: Artifact) -> Iterator[OnnxEncoder]:
    encoder = OnnxEncoder.open(loaded.encoder, OnnxSettings(session=CPU_ONLY, cache_bytes=0))
    encoder.warm_up()
    yield encoder
    encoder.close()


def test_the_golden_inputs_come_back_on_this_machine(loaded, encoder):
    assert encoder.check_golden(loaded) >= loaded.golden_min_cosine


def test_the_fp32_variant_passes_its_own_golden_inputs(loaded):
    settings = OnnxSettings(session=SessionSettings(provider="cpu", precision="fp32"))
    encoder = OnnxEncoder.open(loaded.encoder, settings)

    assert encoder.check_golden(loaded) > 0.9999
    encoder.close()


def test_a_query_is_nearest_to_the_product_that_it_names(encoder):
    products = ["black wireless mouse", "oak office chair", "ball pen, blue ink", "27 inch monitor"]
    vectors = encoder.encode(products, "DOCUMENT").vectors

    query = encoder.encode(["something to write with"], "QUERY").vectors[0]

    assert products[int(np.argmax(vectors @ query))] == "ball pen, blue ink"
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)


def test_texts_encoded_together_are_near_those_encoded_alone(encoder):
    texts = [f"{'soft ' * (i % 9)}blue chair number {i}" for i in range(40)]
    together = encoder.encode(texts, "DOCUMENT", lane="bulk").vectors

    alone = np.concatenate([encoder.encode([text], "DOCUMENT").vectors for text in texts])

    # Dynamic int8 scales activations with the whole batch, so this is near and not equal.
    assert (together * alone).sum(axis=1).min() > 0.97


def test_a_long_text_is_cut_and_says_so(loaded, encoder):
    encoded = encoder.encode(["chair", "chair " * 5000], "DOCUMENT")

    assert encoded.truncated == [False, True]
    assert encoded.token_counts[1] == loaded.encoder.max_tokens


def test_the_spaces_of_the_artifact_hold_unit_vectors(loaded):
    assert [space.name for space in loaded.spaces] == ["behaviour"]
    for space in loaded.spaces:
        ids, vectors = load_space(space)
        norms = np.linalg.norm(vectors.astype(np.float32), axis=1)
        assert len(ids) > 0
        np.testing.assert_allclose(norms, 1, atol=2e-3)


@pytest.fixture
def copy(artifact: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(artifact, tmp_path / "copy"))


@pytest.mark.parametrize("name", ["encoder.int8.onnx", "encoder.fp32.onnx", "tokenizer.json"])
def test_one_flipped_bit_anywhere_in_a_real_file_is_refused(copy, name):
    with (copy / name).open("r+b") as file:
        file.seek(-100_000, 2)
        (byte,) = file.read(1)
        file.seek(-1, 1)
        file.write(bytes([byte ^ 8]))

    with pytest.raises(ArtifactError, match="SHA-256 differs"):
        load_artifact(copy)


def test_vectors_of_another_model_fail_the_golden_inputs(loaded, encoder, tmp_path):
    lines = [json.loads(line) for line in loaded.golden_path.read_text("utf-8").splitlines()]
    foreign = tmp_path / "golden.jsonl"
    foreign.write_text(json.dumps(lines[0] | {"vectors": lines[1]["vectors"]}), "utf-8")

    with pytest.raises(ArtifactError, match="below"):
        encoder.check_golden(dataclasses.replace(loaded, golden_path=foreign))


def test_the_tables_of_the_artifact_hold_what_was_bought(loaded):
    assert loaded.copurchase_path is not None
    assert loaded.popularity_path is not None

    pairs = read_table(loaded.copurchase_path, ["item_id_a", "item_id_b", "count"]).to_pydict()
    bought = read_table(loaded.popularity_path, ["item_id", "count"]).to_pydict()

    # The shop's baskets hold a mouse with a keyboard of the same colour, and no mouse with a pen.
    both = set(zip(pairs["item_id_a"], pairs["item_id_b"], strict=True))
    assert ("mouse-black", "keyboard-black") in both
    assert ("mouse-black", "pen-black") not in both
    assert min(pairs["count"]) > 0
    assert len(bought["item_id"]) == len(set(bought["item_id"]))
    assert min(bought["count"]) > 0
