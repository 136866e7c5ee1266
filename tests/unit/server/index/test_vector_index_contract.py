"""What every `Index` promises; `ExactIndex` is the oracle of `UsearchIndex`."""

import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from relatum_server.errors import InvalidArgumentError
from relatum_server.index.base import Index, Keys, Vectors
from relatum_server.index.exact import ExactIndex
from relatum_server.index.usearch import EXACT_BELOW, UsearchIndex

DIMENSION = 32
COUNT = 5000
# Half floats keep 11 bits: products of unit vectors differ by less than this.
TOLERANCE = 2e-3


def clustered(count: int, seed: int, clusters: int = 100) -> Vectors:
    """Unit vectors [count, DIMENSION] around random centres."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(clusters, DIMENSION))
    rows = centres[random.integers(clusters, size=count)]
    rows = rows + 0.6 * random.normal(size=(count, DIMENSION))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows, np.float32)


def axis(*places: int) -> Vectors:
    """Rows of the identity matrix."""
    return np.eye(DIMENSION, dtype=np.float32)[list(places)]


def keys_of(*keys: int) -> Keys:
    return np.array(keys, np.int64)


@pytest.fixture(params=[ExactIndex, UsearchIndex])
def index(request: pytest.FixtureRequest) -> Iterator[Index]:
    made: Callable[[int], Index] = request.param
    built = made(DIMENSION)
    yield built
    built.close()


@pytest.fixture(scope="module")
def pair() -> tuple[ExactIndex, UsearchIndex, Vectors]:
    """Both over the same 5,000 vectors with keys 0..4999; not to be written to."""
    vectors = clustered(COUNT, seed=1)
    keys = np.arange(COUNT, dtype=np.int64)
    exact, graph = ExactIndex(DIMENSION), UsearchIndex(DIMENSION)
    exact.upsert(keys, vectors)
    graph.upsert(keys, vectors)
    return exact, graph, vectors


class TestEveryIndex:
    def test_an_empty_index_finds_nothing(self, index: Index) -> None:
        hits = index.search(axis(0)[0], 10)

        assert len(index) == len(hits.keys) == len(hits.scores) == 0

    def test_an_empty_index_finds_nothing_under_a_mask(self, index: Index) -> None:
        assert len(index.search(axis(0)[0], 10, allowed=np.ones(9, np.bool_)).keys) == 0

    def test_the_nearest_comes_first_with_its_inner_product(self, index: Index) -> None:
        near = np.zeros((1, DIMENSION), np.float32)
        near[0, :2] = 0.8, 0.6
        index.upsert(keys_of(7, 3, 5), np.concatenate([axis(0), near, axis(2)]))

        hits = index.search(axis(0)[0], 3)

        assert hits.keys.tolist() == [7, 3, 5]
        np.testing.assert_allclose(hits.scores, [1.0, 0.8, 0.0], atol=TOLERANCE)

    def test_more_than_there_are_gives_all(self, index: Index) -> None:
        index.upsert(np.arange(300, dtype=np.int64), clustered(300, seed=2))

        assert sorted(index.search(axis(0)[0], 1000).keys.tolist()) == list(range(300))

    def test_equal_scores_are_ordered_by_key(self, index: Index) -> None:
        index.upsert(keys_of(9, 2, 40, 11), axis(1, 1, 1, 1))

        assert index.search(axis(1)[0], 4).keys.tolist() == [2, 9, 11, 40]

    def test_a_replaced_vector_is_found_at_its_new_place_alone(self, index: Index) -> None:
        index.upsert(keys_of(1, 2), axis(0, 1))
        index.upsert(keys_of(1), axis(5))

        assert len(index) == 2
        assert index.search(axis(5)[0], 1).keys.tolist() == [1]
        assert index.search(axis(0)[0], 2).scores.max() == pytest.approx(0.0, abs=TOLERANCE)

    def test_a_removed_key_is_gone_and_an_unknown_one_is_ignored(self, index: Index) -> None:
        index.upsert(keys_of(1, 2, 3), axis(0, 1, 2))
        index.remove(keys_of(2, 99, 10_000_000))

        assert len(index) == 2
        assert sorted(index.search(axis(1)[0], 10).keys.tolist()) == [1, 3]

    def test_a_removed_key_can_come_back(self, index: Index) -> None:
        index.upsert(keys_of(1), axis(0))
        index.remove(keys_of(1))
        index.upsert(keys_of(1), axis(3))

        assert index.search(axis(3)[0], 1).scores[0] == pytest.approx(1.0, abs=TOLERANCE)

    def test_get_gives_vectors_and_zeros_for_the_absent(self, index: Index) -> None:
        index.upsert(keys_of(4, 2_000), axis(0, 1))

        vectors, present = index.get(keys_of(2_000, 5, 4, 3_000_000))

        assert present.tolist() == [True, False, True, False]
        np.testing.assert_array_equal(vectors[[0, 2]], axis(1, 0))
        assert not vectors[[1, 3]].any()

    @pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
    def test_one_bad_vector_refuses_all(self, index: Index, value: float) -> None:
        index.upsert(keys_of(1), axis(0))
        bad = axis(1, 2)
        bad[1] = value

        with pytest.raises(InvalidArgumentError, match="vectors"):
            index.upsert(keys_of(1, 2), bad)

        assert len(index) == 1
        np.testing.assert_array_equal(index.get(keys_of(1))[0], axis(0))

    def test_a_wrong_dimension_is_refused_and_names_the_right_one(self, index: Index) -> None:
        with pytest.raises(InvalidArgumentError, match=str(DIMENSION)):
            index.upsert(keys_of(1), np.ones((1, DIMENSION + 1), np.float32))

        assert len(index) == 0

    def test_keys_beyond_the_mask_are_not_allowed(self, index: Index) -> None:
        index.upsert(keys_of(0, 1, 2, 3), axis(0, 0, 0, 0))

        hits = index.search(axis(0)[0], 10, allowed=np.array([False, True]))

        assert hits.keys.tolist() == [1]

    def test_no_operation_on_no_keys_fails(self, index: Index) -> None:
        none = np.zeros(0, np.int64)
        index.upsert(none, np.zeros((0, DIMENSION), np.float32))
        index.remove(none)

        assert index.get(none)[0].shape == (0, DIMENSION)

    def test_close_is_safe_twice(self, index: Index) -> None:
        index.close()
        index.close()

    def test_searches_beside_writes_raise_nothing_and_find_no_deleted_key(
        self, index: Index
    ) -> None:
        start, end = EXACT_BELOW + 200, EXACT_BELOW + 500  # so many that the graph answers
        vectors = clustered(end, seed=3)
        index.upsert(np.arange(start, dtype=np.int64), vectors[:start])
        index.remove(np.arange(100, dtype=np.int64))
        failures: list[BaseException] = []
        done = threading.Event()

        def read() -> None:
            try:
                while not done.is_set():
                    for query in vectors[:20]:
                        found = index.search(query, 20).keys
                        assert found.min() >= 100
                        assert len(set(found.tolist())) == len(found)
            except BaseException as error:  # noqa: BLE001 - shown by the main thread
                failures.append(error)

        readers = [threading.Thread(target=read, daemon=True) for _ in range(2)]
        for reader in readers:
            reader.start()
        for first in range(start, end, 30):
            index.upsert(np.arange(first, first + 30, dtype=np.int64), vectors[first : first + 30])
            index.upsert(np.arange(200, 230, dtype=np.int64), vectors[first : first + 30])
        done.set()
        for reader in readers:
            reader.join()

        assert not failures
        assert len(index) == end - 100


def recall(exact: Index, graph: Index, queries: Vectors, k: int = 10) -> float:
    found = [
        len(set(exact.search(q, k).keys.tolist()) & set(graph.search(q, k).keys.tolist()))
        for q in queries
    ]
    return sum(found) / (k * len(queries))


def test_the_graph_finds_99_of_100_nearest(pair: tuple[ExactIndex, UsearchIndex, Vectors]) -> None:
    exact, graph, _ = pair

    assert recall(exact, graph, clustered(200, seed=4)) >= 0.99


def test_the_graph_still_finds_them_after_half_was_replaced_and_a_fifth_removed() -> None:
    vectors, keys = clustered(COUNT, seed=5), np.arange(COUNT, dtype=np.int64)
    exact, graph = ExactIndex(DIMENSION), UsearchIndex(DIMENSION)
    for each in (exact, graph):
        each.upsert(keys, vectors)
        each.upsert(keys[::2], vectors[1::2])
        each.remove(keys[::5])

    assert len(exact) == len(graph) == COUNT - COUNT // 5
    # every vector is there twice, so that scores are compared, not keys
    right = []
    for query in clustered(100, seed=6):
        tenth = exact.search(query, 10).scores[-1]
        right += (graph.search(query, 10).scores >= tenth - TOLERANCE).tolist()
    assert len(right) == 1000
    assert np.mean(right) >= 0.99


@pytest.mark.parametrize(
    "allowed_count",
    [1, 40, EXACT_BELOW, EXACT_BELOW + 300, 4900],
    ids=["one", "narrow", "the last compared", "middle", "broad"],
)
def test_a_mask_gives_the_nearest_of_the_allowed(
    pair: tuple[ExactIndex, UsearchIndex, Vectors], allowed_count: int
) -> None:
    exact, graph, _ = pair
    allowed = np.zeros(COUNT, np.bool_)
    allowed[np.random.default_rng(allowed_count).permutation(COUNT)[:allowed_count]] = True
    queries = clustered(50, seed=7)

    shared = 0
    for query in queries:
        wanted = exact.search(query, 10, allowed=allowed).keys
        found = graph.search(query, 10, allowed=allowed).keys
        assert len(found) == min(10, allowed_count)
        assert allowed[found].all()
        shared += len(set(wanted.tolist()) & set(found.tolist()))

    assert shared / (len(queries) * min(10, allowed_count)) >= 0.99


def test_allowed_keys_far_from_the_query_are_found(
    pair: tuple[ExactIndex, UsearchIndex, Vectors],
) -> None:
    exact, graph, vectors = pair
    query = vectors[0]
    scores = vectors @ query
    allowed = scores < np.sort(scores)[EXACT_BELOW + 500]  # the farthest, too many to compare first

    found = graph.search(query, 10, allowed=allowed)

    assert allowed[found.keys].all()
    np.testing.assert_allclose(
        found.scores, exact.search(query, 10, allowed=allowed).scores, atol=TOLERANCE
    )


def test_many_equal_vectors_hide_no_other() -> None:
    graph = UsearchIndex(DIMENSION)
    graph.upsert(np.arange(500, dtype=np.int64), axis(*[0] * 500))
    graph.upsert(np.arange(500, 520, dtype=np.int64), axis(*range(1, 21)))

    found = [graph.search(axis(place)[0], 1).keys.tolist() for place in range(1, 21)]

    assert found == [[key] for key in range(500, 520)]
