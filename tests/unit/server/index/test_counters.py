import itertools
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relatum_server.index.counters import (
    HALF_LIFE_US,
    MAX_BASKET,
    CoPurchaseCounter,
    PopularityCounter,
    QueryLog,
)

NOW = 1_700_000_000_000_000
DAY_US = HALF_LIFE_US // 7

purchases = st.lists(
    st.tuples(st.integers(0, 9), st.integers(1, 9), st.integers(NOW - 90 * DAY_US, NOW)),
    min_size=1,
    max_size=60,
)


@given(events=purchases, random=st.randoms(use_true_random=False))
def test_popularity_is_the_decayed_sum_in_any_order_of_events(events, random) -> None:
    sums = np.zeros(11)
    for key, weight, time_us in events:
        sums[key] += weight * 2.0 ** ((time_us - NOW) / HALF_LIFE_US)
    random.shuffle(events)
    counter = PopularityCounter()

    for key, weight, time_us in events:
        counter.add(key, weight, time_us)

    np.testing.assert_allclose(counter.scores(np.arange(11)), sums / sums.max(), rtol=1e-9)
    bought = len({key for key, _, _ in events})
    ranks = counter.scores(np.array(counter.top(20)))
    assert len(ranks) == bought
    assert (np.diff(ranks) <= 0).all()


def test_a_purchase_counts_half_after_seven_days() -> None:
    counter = PopularityCounter()
    counter.add(1, 1, NOW)
    counter.add(2, 1, NOW - 7 * DAY_US)

    np.testing.assert_allclose(counter.scores(np.array([1, 2, 3])), [1, 0.5, 0], rtol=1e-9)


@pytest.mark.parametrize("k", [0, 1, 2, 3, 4, 5, 9])
def test_the_top_comes_best_first_with_ties_by_key(k: int) -> None:
    counter = PopularityCounter()
    for key, weight in ((5, 1), (3, 1), (9, 8), (4, 1), (7, 2)):
        counter.add(key, weight, NOW)

    assert counter.top(k) == [9, 7, 3, 4, 5][:k]


@pytest.mark.parametrize("weight", [0, -1, float("nan"), float("inf")])
def test_what_is_no_purchase_counts_nothing(weight: float) -> None:
    counter = PopularityCounter()
    counter.add(1, weight, NOW)

    assert counter.top(5) == []
    assert counter.scores(np.array([1])).tolist() == [0.0]


def test_without_the_most_popular_the_next_has_1() -> None:
    counter = PopularityCounter()
    for key, weight in ((1, 8), (2, 4), (3, 1)):
        counter.add(key, weight, NOW)

    counter.remove(1)
    counter.remove(99)

    np.testing.assert_allclose(counter.scores(np.array([1, 2, 3])), [0, 1, 0.25], rtol=1e-9)
    assert counter.top(5) == [2, 3]
    counter.remove(2)
    counter.remove(3)
    assert counter.scores(np.array([3])).tolist() == [0.0]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 12)), max_size=120))
def test_neighbours_equal_a_recount_of_the_baskets(lines: list[tuple[int, int]]) -> None:
    baskets: defaultdict[int, set[int]] = defaultdict(set)
    counter = CoPurchaseCounter()

    for basket, key in lines:
        baskets[basket].add(key)
        counter.add(str(basket), key)

    together: Counter[tuple[int, int]] = Counter()
    for items in baskets.values():
        together.update(itertools.permutations(items, 2))
    for key in range(13):
        keys, counts = counter.neighbours(key, 100)
        wanted = [(-n, other) for (first, other), n in together.items() if first == key]
        assert list(zip((-counts).tolist(), keys.tolist(), strict=True)) == sorted(wanted)
    counted = [sum(key in items for items in baskets.values()) for key in range(13)]
    assert counter.baskets(np.arange(13)).tolist() == counted
    assert len(counter) == len(baskets)


def test_only_k_neighbours_come_and_an_unknown_product_has_none() -> None:
    counter = CoPurchaseCounter()
    for key in range(5):
        counter.add("b", key)

    assert counter.neighbours(0, 2)[0].tolist() == [1, 2]
    assert counter.neighbours(77, 2)[0].tolist() == []


def test_the_65th_product_of_a_basket_and_later_ones_are_not_counted() -> None:
    counter = CoPurchaseCounter()
    for key in [*range(MAX_BASKET + 2), MAX_BASKET, 0]:
        counter.add("wholesale", key)

    keys, counts = counter.neighbours(0, 1000)
    assert keys.tolist() == list(range(1, MAX_BASKET))
    assert set(counts.tolist()) == {1.0}
    assert counter.neighbours(MAX_BASKET, 10)[0].tolist() == []
    assert counter.baskets(np.array([0, MAX_BASKET - 1, MAX_BASKET])).tolist() == [1, 1, 0]


def test_a_removed_product_is_forgotten_also_by_baskets_that_go_on() -> None:
    counter = CoPurchaseCounter()
    for key in (1, 2, 3):
        counter.add("b", key)

    counter.remove(2)
    counter.remove(99)
    counter.add("b", 4)

    assert counter.neighbours(1, 10)[0].tolist() == [3, 4]
    assert counter.neighbours(4, 10)[0].tolist() == [1, 3]
    assert counter.neighbours(2, 10)[0].tolist() == []
    assert counter.baskets(np.array([1, 2])).tolist() == [1, 0]


def test_a_query_of_one_shopper_is_never_shown() -> None:
    log = QueryLog()
    for _ in range(50):
        log.add("my secret illness", "shopper-1")

    assert list(log.complete("my", 10)) == []
    assert list(log.complete("", 10)) == []


def test_a_query_of_two_shoppers_is_shown_with_its_count() -> None:
    log = QueryLog()
    for query, shopper in (("Red  Shoes", "a"), ("red shoes", "b"), ("RED SHOES ", "b")):
        log.add(query, shopper)
    log.add("red hat", "a")

    assert list(log.complete(" RED", 10)) == [("red shoes", 3)]


def test_queries_come_most_frequent_first_then_by_name() -> None:
    log = QueryLog()
    for query, count in (("tea c", 1), ("tea a", 1), ("tea b", 3), ("coffee", 9)):
        for number in range(count):
            log.add(query, f"first-{number}")
        log.add(query, "second")

    assert [query for query, _ in log.complete("tea", 10)] == ["tea b", "tea a", "tea c"]
    assert [query for query, _ in log.complete("tea", 1)] == ["tea b"]


def test_an_empty_query_is_not_kept() -> None:
    log = QueryLog()
    log.add("  ", "a")
    log.add("", "b")

    assert list(log.complete("", 10)) == []
