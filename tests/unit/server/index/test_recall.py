"""A graph on disk is measured against all vectors, in a process that may crash."""

import numpy as np
import pytest

from relatum_server.index.recall import UnreadableGraphError, recall
from relatum_server.index.usearch import UsearchIndex


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(3_000, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    keys = np.arange(1, 3_001)
    index = UsearchIndex(16)
    index.upsert(keys, vectors)
    path = tmp_path_factory.mktemp("graph") / "graph.usearch"
    index.save(path)
    index.close()
    return path, keys, vectors.astype(np.float16)


def test_a_sound_graph_finds_nearly_all(graph):
    path, keys, vectors = graph

    assert recall(path, keys, vectors) > 0.97


def test_a_graph_of_other_vectors_finds_little(graph):
    path, keys, vectors = graph

    assert recall(path, keys, vectors[::-1]) < 0.2


def test_a_graph_that_crashes_its_reader_is_an_error_here_and_no_crash(graph, tmp_path):
    path, keys, vectors = graph
    damaged = tmp_path / "damaged.usearch"
    content = bytearray(path.read_bytes())
    content[len(content) // 2 :] = np.random.default_rng(1).bytes(len(content) - len(content) // 2)
    damaged.write_bytes(content)

    with pytest.raises(UnreadableGraphError, match=str(damaged)):
        recall(damaged, keys, vectors)


def test_without_vectors_there_is_nothing_to_miss(graph):
    assert recall(graph[0], np.zeros(0, np.int64), np.zeros((0, 16), np.float16)) == 1
