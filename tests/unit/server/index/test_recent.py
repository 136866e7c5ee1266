import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from relatum_server.index.recent import MIN_BASKETS, RecentBaskets

DAY_US = 86_400 * 1_000_000
NOW = 19_000 * DAY_US

lines = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5), st.integers(0, 30)), max_size=80)


def everything(recent: RecentBaskets) -> object:
    numbers, counts = recent.counts()
    pairs = dict(zip(numbers.tolist(), counts.tolist(), strict=True))
    return pairs, recent.shares(np.arange(10)).tolist()


def test_shares_are_of_the_baskets_of_the_last_seven_days() -> None:
    recent = RecentBaskets()
    recent.add(2, 99, NOW - 7 * DAY_US)
    for basket in range(40):
        recent.add(0, basket, NOW - (basket % 7) * DAY_US)
    for basket in range(10):
        recent.add(1, basket, NOW - (basket % 7) * DAY_US)

    assert recent.shares(np.array([0, 1, 2, -1])).tolist() == [1.0, 0.25, 0.0, 0.0]


def test_one_basket_after_years_of_silence_is_not_everything() -> None:
    recent = RecentBaskets()
    for basket in range(500):
        recent.add(0, basket, NOW - 1000 * DAY_US)

    recent.add(1, 1, NOW)

    assert recent.shares(np.array([0, 1])).tolist() == [0.0, 1 / MIN_BASKETS]


def test_a_product_twice_in_a_basket_is_there_once() -> None:
    recent = RecentBaskets()
    recent.add(0, 1, NOW)
    recent.add(0, 1, NOW)

    assert everything(recent) == ({0: 1}, [1 / MIN_BASKETS, *[0.0] * 9])


@given(lines, st.randoms(use_true_random=False))
def test_the_window_is_the_same_in_any_order_of_events(lines, random) -> None:
    one, other = RecentBaskets(), RecentBaskets()
    for number, basket, day in lines:
        one.add(number, basket, NOW + day * DAY_US)
    random.shuffle(lines)
    for number, basket, day in lines:
        other.add(number, basket, NOW + day * DAY_US)

    assert everything(one) == everything(other)


@given(lines, st.integers(0, 80))
def test_what_was_saved_goes_on_as_if_it_had_never_stopped(lines, cut) -> None:
    whole, first = RecentBaskets(), RecentBaskets()
    for number, basket, day in lines:
        whole.add(number, basket, NOW + day * DAY_US)
    for number, basket, day in lines[:cut]:
        first.add(number, basket, NOW + day * DAY_US)

    second = RecentBaskets.load(first.save())
    for number, basket, day in lines[cut:]:
        second.add(number, basket, NOW + day * DAY_US)

    assert everything(second) == everything(whole)
