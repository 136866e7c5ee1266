"""Vectors of an artifact whose lengths mean something."""

import numpy as np
import pytest

from relatum_server.services.static_space import StaticSpace


@pytest.fixture
def space():
    """Products a, b, c with keys 1, 2, 3; d is in the artifact alone."""
    vectors = np.array([[1, 0], [3, 0], [0, 2], [9, 9]], np.float16)
    made = StaticSpace(["a", "b", "c", "d"], vectors)
    made.join([1, 2, 3], ["a", "b", "c"])
    return made


def query(*numbers):
    return np.array(numbers, np.float32)


def test_a_longer_vector_is_found_before_one_of_the_same_direction(space):
    hits = space.search(query(1, 0), 2)

    assert hits.keys.tolist() == [2, 1]
    assert hits.scores.tolist() == [3.0, 1.0]


def test_a_mask_narrows_the_search(space):
    allowed = np.array([False, True])

    assert space.search(query(1, 0), 5, allowed=allowed).keys.tolist() == [1]


def test_what_left_is_not_found_and_comes_back(space):
    space.leave([2, 77])
    assert (len(space), space.search(query(1, 0), 1).keys.tolist()) == (2, [1])

    space.join([8], ["b"])
    assert space.search(query(1, 0), 1).keys.tolist() == [8]


def test_vectors_and_products_by_key_are_zero_where_there_are_none(space):
    keys = np.array([3, 99], np.int64)

    vectors, present = space.get(keys)
    scores, _ = space.scores(query(1, 1), keys)

    assert vectors.tolist() == [[0, 2], [0, 0]]
    assert present.tolist() == [True, False]
    assert scores.tolist() == [2.0, 0.0]
