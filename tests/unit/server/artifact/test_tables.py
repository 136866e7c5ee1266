"""Vectors and tables of a verified artifact."""

import json

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from relatum_server.artifact import load_artifact, load_ridge, load_space, read_table, read_words
from relatum_server.errors import ArtifactError


def test_a_space_gives_its_ids_and_half_precision_vectors_in_order(folder):
    (space,) = load_artifact(folder.seal()).spaces

    ids, vectors = load_space(space)

    assert ids == ["a", "b", "c"]
    assert vectors.dtype == np.dtype("float16")
    assert vectors.shape == (3, 2)


@pytest.mark.parametrize(
    "vectors",
    [
        np.ones((3, 3), dtype=np.float16),
        np.ones((2, 2), dtype=np.float16),
        np.ones((3, 2), dtype=np.float32),
        np.array([[None]]),
    ],
    ids=["dimension", "rows", "type", "objects"],
)
def test_a_space_of_another_shape_or_type_is_refused(folder, vectors):
    folder.write_vectors(vectors)
    (space,) = load_artifact(folder.seal()).spaces

    with pytest.raises(ArtifactError, match=r"behaviour\.npy"):
        load_space(space)


@pytest.mark.parametrize("ids", [b'["a", "a", "b"]', b"{}", b"[1, 2, 3]", b"?"])
def test_a_space_with_unusable_ids_is_refused(folder, ids):
    folder.write("spaces/behaviour.ids.json", ids)
    (space,) = load_artifact(folder.seal()).spaces

    with pytest.raises(ArtifactError):
        load_space(space)


def test_a_table_is_read_in_the_order_of_the_columns_asked_for(tmp_path):
    file = tmp_path / "popularity.parquet"
    parquet.write_table(pa.table({"count": [3, 1], "more": [0, 0], "item_id": ["a", "b"]}), file)

    table = read_table(file, ["item_id", "count"])

    assert table.to_pydict() == {"item_id": ["a", "b"], "count": [3, 1]}


def test_a_table_without_its_columns_is_refused(tmp_path):
    file = tmp_path / "popularity.parquet"
    parquet.write_table(pa.table({"item_id": ["a"]}), file)

    with pytest.raises(ArtifactError, match=r"popularity\.parquet: needs the columns"):
        read_table(file, ["item_id", "count"])


def test_a_file_that_is_no_table_is_refused(tmp_path):
    file = tmp_path / "copurchase.parquet"
    file.write_bytes(b"PAR1 no")

    with pytest.raises(ArtifactError, match=r"copurchase\.parquet: needs the columns"):
        read_table(file, ["item_id_a"])


def test_the_ridge_map_has_one_row_more_than_a_text_vector(folder):
    folder.add_parts()
    ridge = load_artifact(folder.seal()).ridge
    assert ridge is not None

    weights = load_ridge(ridge)

    assert weights.shape == (5, 2)
    assert weights.dtype == np.float32


def test_word_weights_are_read_from_the_heads_facts(folder):
    folder.add_parts()
    head = load_artifact(folder.seal()).pair_head
    assert head is not None
    assert head.words_path is not None

    words = read_words(head.words_path)

    assert words.weights == {"lamp": 1.25}
    assert words.rare == 3.5


@pytest.mark.parametrize(
    "words",
    [
        None,
        {"weights": {"lamp": 1.0}},
        {"rare": 1.0, "weights": ["lamp"]},
        {"rare": 1.0, "weights": {"lamp": "heavy"}},
        {"rare": float("nan"), "weights": {}},
        {"rare": 1.0, "weights": {"lamp": float("inf")}},
    ],
    ids=["none", "no-rare", "list", "text", "nan", "infinite"],
)
def test_word_weights_that_are_no_numbers_are_refused(tmp_path, words):
    file = tmp_path / "pair_head.json"
    file.write_text(json.dumps({"words": words}))

    with pytest.raises(ArtifactError, match=r"pair_head\.json"):
        read_words(file)
