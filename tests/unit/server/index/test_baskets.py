import itertools
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relatum_server.index import baskets as module
from relatum_server.index.baskets import MAX_BASKET, CoPurchaseCounter

lines = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 12)), max_size=120)


def everything(counter: CoPurchaseCounter, products: int = 13) -> object:
    """All that a counter answers."""
    near = [counter.neighbours(n) for n in range(products)]
    return (
        [dict(zip(keys.tolist(), counts.tolist(), strict=True)) for keys, counts in near],
        counter.counts(np.arange(products)).tolist(),
        len(counter),
    )


@given(lines)
def test_neighbours_equal_a_recount_of_the_baskets(lines: list[tuple[int, int]]) -> None:
    baskets: defaultdict[int, set[int]] = defaultdict(set)
    counter = CoPurchaseCounter()

    for basket, number in lines:
        baskets[basket].add(number)
        counter.add(basket, number)

    together: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for items in baskets.values():
        for one, other in itertools.permutations(items, 2):
            together[one][other] += 1
    counted = [sum(number in items for items in baskets.values()) for number in range(13)]
    assert everything(counter) == ([together[n] for n in range(13)], counted, len(baskets))


def test_an_unknown_product_has_no_neighbours_and_no_baskets() -> None:
    counter = CoPurchaseCounter()
    counter.add(1, 0)

    assert counter.neighbours(77)[0].tolist() == []
    assert counter.counts(np.array([-1, 0, 77])).tolist() == [0, 1, 0]


def test_the_65th_product_of_a_basket_and_later_ones_are_not_counted() -> None:
    counter = CoPurchaseCounter()
    for number in [*range(MAX_BASKET + 2), MAX_BASKET, 0]:
        counter.add(1, number)

    others, counts = counter.neighbours(0)
    assert others.tolist() == list(range(1, MAX_BASKET))
    assert set(counts.tolist()) == {1.0}
    assert counter.neighbours(MAX_BASKET)[0].tolist() == []
    assert counter.counts(np.array([0, MAX_BASKET - 1, MAX_BASKET])).tolist() == [1, 1, 0]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that a test reaches."""
    monkeypatch.setattr(module, "MAX_BASKETS", 4)
    monkeypatch.setattr(module, "COUNTED_BASKETS", 3)


@pytest.mark.usefixtures("small")
def test_a_basket_that_too_many_others_followed_is_begun_anew() -> None:
    counter = CoPurchaseCounter()
    for basket in range(5):
        counter.add(basket, basket)

    counter.add(0, 9)
    counter.add(4, 9)

    assert counter.neighbours(9)[0].tolist() == [4]
    assert len(counter) == 6


@pytest.mark.usefixtures("small")
def test_of_many_baskets_the_newest_are_counted_and_scaled_to_all() -> None:
    counter = CoPurchaseCounter()
    for basket in range(12):
        counter.add(basket, 0)
        counter.add(basket, 1 if basket < 9 else 2)

    others, counts = counter.neighbours(0)

    assert (others.tolist(), counts.tolist()) == ([2], [12.0])


@pytest.mark.usefixtures("small")
@given(lines, st.integers(0, 120))
def test_what_was_saved_goes_on_as_if_it_had_never_stopped(
    lines: list[tuple[int, int]], cut: int
) -> None:
    whole, first = CoPurchaseCounter(), CoPurchaseCounter()
    for basket, number in lines:
        whole.add(basket, number)
    for basket, number in lines[:cut]:
        first.add(basket, number)

    second = CoPurchaseCounter.load(first.save())
    for basket, number in lines[cut:]:
        second.add(basket, number)

    assert everything(second) == everything(whole)
