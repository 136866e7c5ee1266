"""What waits to enter the graph is found like what is in it, and nothing of before is."""

import time

import numpy as np
import pytest
from numpy.typing import NDArray

from relatum_server.index import usearch
from relatum_server.index.exact import ExactIndex
from relatum_server.index.growing import Growing
from relatum_server.index.usearch import UsearchIndex

DIMENSION = 12
COUNT = 2_500  # more than are compared whole
WAIT_S = 60.0


def vectors(count: int, seed: int) -> NDArray[np.float32]:
    made = np.random.default_rng(seed).normal(size=(count, DIMENSION)).astype(np.float32)
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), np.float32)


@pytest.fixture
def index():
    index = UsearchIndex(DIMENSION)
    index.upsert(np.arange(COUNT), vectors(COUNT, 0))
    yield index
    index.close()


@pytest.fixture
def waiting(index, monkeypatch):
    """The index, whose graph takes nothing any more."""
    monkeypatch.setattr(index, "_wake_builder", lambda: None)
    return index


def test_the_first_fill_is_in_the_graph_and_later_writes_enter_it_by_themselves(index):
    assert index.waiting == 0

    index.upsert(np.arange(COUNT, COUNT + 300), vectors(300, 1))
    end = time.monotonic() + WAIT_S
    while index.waiting and time.monotonic() < end:
        time.sleep(0.01)

    assert index.waiting == 0
    assert len(index) == COUNT + 300
    assert index.search(vectors(300, 1)[7], 1).keys.tolist() == [COUNT + 7]


def test_what_waits_is_found_at_once_alone_and_behind_a_filter(waiting):
    fresh = vectors(50, 2)
    waiting.upsert(np.arange(COUNT, COUNT + 50), fresh)
    allowed = np.zeros(COUNT + 50, np.bool_)
    allowed[: COUNT - 100] = True
    allowed[COUNT + 3] = True

    assert waiting.waiting == 50
    for row in (0, 3, 49):
        assert waiting.search(fresh[row], 1).keys.tolist() == [COUNT + row]
    assert waiting.search(fresh[3], 1, allowed=allowed).keys.tolist() == [COUNT + 3]
    assert COUNT + 4 not in waiting.search(fresh[4], 9, allowed=allowed).keys


def test_a_replaced_vector_is_found_by_the_new_one_alone(waiting):
    old, new = vectors(COUNT, 0)[5], -vectors(COUNT, 0)[5]
    waiting.upsert(np.array([5]), new[np.newaxis])
    waiting.upsert(np.array([5]), new[np.newaxis])

    assert waiting.waiting == 1
    assert waiting.search(new, 1).keys.tolist() == [5]
    assert 5 not in waiting.search(old, 10).keys
    assert len(waiting) == COUNT


def test_a_removed_key_is_found_no_more_whether_it_waited_or_not(waiting):
    fresh = vectors(2, 3)
    waiting.upsert(np.array([COUNT, COUNT + 1]), fresh)

    waiting.remove(np.array([COUNT, 7]))

    assert (waiting.waiting, len(waiting)) == (1, COUNT)
    assert COUNT not in waiting.search(fresh[0], 10).keys
    assert 7 not in waiting.search(vectors(COUNT, 0)[7], 10).keys
    waiting.upsert(np.array([7]), fresh[:1])  # and it may come back
    assert waiting.search(fresh[0], 1).keys.tolist() == [7]


def test_a_saved_graph_holds_what_waited(waiting, tmp_path):
    waiting.upsert(np.arange(COUNT - 1, COUNT + 60), vectors(61, 4))

    keys = waiting.save(tmp_path / "graph")

    assert (waiting.waiting, len(keys)) == (0, COUNT + 60)
    again = UsearchIndex(DIMENSION)
    again.load(tmp_path / "graph")
    assert again.search(vectors(61, 4)[30], 1).keys.tolist() == [COUNT + 29]
    again.close()


def test_writes_while_the_graph_is_built_leave_what_they_say(index):
    chance = np.random.default_rng(5)
    exact = ExactIndex(DIMENSION)
    exact.upsert(np.arange(COUNT), vectors(COUNT, 0))
    for step in range(40):
        keys = chance.choice(COUNT + 400, 60, replace=False)
        rows = vectors(60, 100 + step)
        index.upsert(keys, rows)
        exact.upsert(keys, rows)
        gone = chance.choice(COUNT + 400, 20, replace=False)
        index.remove(gone)
        exact.remove(gone)

    assert len(index) == len(exact)
    found = wanted = 0
    for query in vectors(60, 9):
        near = set(exact.search(query, 10).keys.tolist())
        found += len(near & set(index.search(query, 10).keys.tolist()))
        wanted += 10
    assert found / wanted > 0.97


def test_writers_wait_where_too_much_waits(index, monkeypatch):
    monkeypatch.setattr(usearch, "MOST_WAITING", 100)
    for start in range(0, 1_000, 100):
        index.upsert(np.arange(COUNT + start, COUNT + start + 100), vectors(100, start))
        assert index.waiting <= 200

    assert len(index) == COUNT + 1_000


def test_closing_does_not_wait_for_the_graph(index):
    index.upsert(np.arange(COUNT, COUNT + 2_000), vectors(2_000, 6))

    index.close()
    index.close()


def test_keys_wait_once_and_are_listed_in_order():
    growing = Growing()
    growing.add(np.array([5, 3, 70_000]))
    growing.add(np.array([3, 4]))
    growing.discard(np.array([5, 99, 900_000]))

    assert (len(growing), growing.keys().tolist()) == (3, [3, 4, 70_000])
    assert growing.holds(np.array([3, 5, 80_000_000])).tolist() == [True, False, False]
