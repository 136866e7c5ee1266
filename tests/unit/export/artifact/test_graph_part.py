"""The knowledge graph's part of an artifact, and graphs that are refused."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy import sparse

from relatum.artifact.v1 import manifest_pb2
from relatum_export.artifact.knowledge import add_graph
from relatum_export.errors import InputError
from relatum_export.graph.edges import KnowledgeGraph, Relation
from relatum_export.graph.folder import FORMAT, GraphFolder, write_graph, write_space

PRODUCTS = ("p1", "p2", "p3")
VECTORS = np.arange(6, dtype=np.float32).reshape(3, 2)


@pytest.fixture
def built(tmp_path):
    folder = tmp_path / "graph"
    folder.mkdir()
    counts = sparse.csr_matrix(np.array([[0, 2, 0], [1, 0, 0], [0, 0, 0]], np.int32))
    write_graph(
        KnowledgeGraph.of(PRODUCTS, {"bought_with": Relation(PRODUCTS, counts)}),
        folder,
    )
    for name in ("complement_out", "complement_in", "diffused"):
        write_space(name, PRODUCTS, VECTORS, folder)
    (folder / "config.json").write_text(json.dumps({"format": FORMAT}), encoding="utf-8")
    (folder / "metrics.json").write_text("{}", encoding="utf-8")
    return folder


@pytest.fixture
def artifact(tmp_path):
    folder = tmp_path / "artifact"
    folder.mkdir()
    return folder


def test_edges_and_both_complement_spaces_are_copied_and_named(built, artifact):
    manifest = manifest_pb2.Manifest()

    taken = add_graph(GraphFolder.open(built), artifact, manifest, diffused=False)

    assert pq.read_table(artifact / manifest.graph_file).num_rows == 2
    assert {space.name: space.dimension for space in manifest.spaces} == {
        "complement_out": 2,
        "complement_in": 2,
    }
    for space in manifest.spaces:
        vectors = np.load(artifact / space.vectors_file, allow_pickle=False)
        np.testing.assert_array_equal(vectors, VECTORS.astype(np.float16))
        assert json.loads((artifact / space.ids_file).read_text()) == list(PRODUCTS)
    assert taken == {"edges": 2, "complement_out": 3, "complement_in": 3}


def test_diffused_texts_come_only_where_they_are_wanted(built, artifact):
    manifest = manifest_pb2.Manifest()

    add_graph(GraphFolder.open(built), artifact, manifest, diffused=True)

    assert "diffused" in {space.name for space in manifest.spaces}
    assert (artifact / "spaces/diffused.npy").is_file()


def test_a_graph_without_complements_gives_its_edges_alone(built, artifact):
    for name in ("complement_out", "complement_in"):
        (built / f"spaces/{name}.npy").unlink()
    manifest = manifest_pb2.Manifest()

    add_graph(GraphFolder.open(built), artifact, manifest, diffused=False)

    assert manifest.graph_file == "graph.parquet"
    assert not manifest.spaces


def _cut(file):
    file.write_bytes(file.read_bytes()[:-4])


def _nan(file):
    np.save(file, np.full((3, 2), np.nan, np.float16), allow_pickle=False)


def _fewer(file):
    np.save(file, np.ones((2, 2), np.float16), allow_pickle=False)


def _flat(file):
    np.save(file, np.ones(3, np.float16), allow_pickle=False)


@pytest.mark.parametrize(
    ("name", "damage", "expected"),
    [
        ("spaces/complement_in.npy", _cut, "complement_in of .* is damaged"),
        ("spaces/complement_in.npy", _nan, "does not hold one vector of numbers"),
        ("spaces/complement_in.npy", _fewer, "does not hold one vector of numbers"),
        ("spaces/complement_in.npy", _flat, "does not hold one vector of numbers"),
        ("spaces/complement_out.ids.json", _cut, "complement_out of .* is damaged"),
        ("graph.parquet", _cut, r"graph\.parquet is damaged"),
    ],
)
def test_a_damaged_graph_is_refused_with_one_line(built, artifact, name, damage, expected):
    damage(built / name)

    with pytest.raises(InputError, match=expected) as error:
        add_graph(GraphFolder.open(built), artifact, manifest_pb2.Manifest(), diffused=False)

    assert "\n" not in str(error.value)
