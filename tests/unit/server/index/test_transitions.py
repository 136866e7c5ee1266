"""What follows what in shoppers' histories."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relatum_server.index.transitions import (
    KEPT_ROW,
    MAX_ROW,
    TransitionCounter,
    TransitionDecay,
)

DECAY = TransitionDecay(window=2, step=0.5, backwards=0.25)


def counter(*events: tuple[str, int, int], decay: TransitionDecay = DECAY) -> TransitionCounter:
    """Of (shopper, product, time), none of them counted before."""
    counted = TransitionCounter(decay)
    for user, number, time_us in events:
        counted.add(user, number, time_us, covered=False)
    return counted


def row(counted: TransitionCounter, number: int) -> dict[int, float]:
    numbers, weights, _ = counted.row(number)
    return dict(zip(numbers.tolist(), weights.tolist(), strict=True))


def test_a_pair_weighs_less_with_each_event_between_and_nothing_beyond_the_window() -> None:
    counted = counter(("u", 0, 1), ("u", 1, 2), ("u", 2, 3), ("u", 3, 4))

    assert row(counted, 0) == {1: 1.0, 2: 0.5}
    assert row(counted, 1) == {0: 0.25, 2: 1.0, 3: 0.5}


def test_a_product_bought_twice_follows_itself() -> None:
    assert row(counter(("u", 0, 1), ("u", 0, 2)), 0) == {0: 1.25}


def test_shoppers_do_not_mix_and_nobody_leads_nowhere() -> None:
    counted = counter(("u", 0, 1), ("v", 1, 2), ("", 2, 3), ("", 3, 4))

    assert [row(counted, number) for number in range(4)] == [{}] * 4


def test_an_event_that_comes_late_is_counted_at_its_place() -> None:
    counted = counter(("u", 0, 10), ("u", 2, 30), ("u", 1, 20))

    assert row(counted, 0)[1] == row(counted, 1)[2] == 1.0


def test_a_pair_that_the_history_counted_is_not_counted_again() -> None:
    counted = TransitionCounter(DECAY)
    for number, covered in ((0, True), (1, True), (2, False)):
        counted.add("u", number, number, covered=covered)

    assert row(counted, 0) == {2: 0.5}
    assert row(counted, 1) == {2: 1.0}


def test_the_sum_of_a_row_keeps_what_a_long_row_dropped() -> None:
    decay = TransitionDecay(window=1, step=1.0, backwards=0.0)
    events = [(f"u{n}", place, place) for n in range(1, MAX_ROW + 2) for place in (0, n)]

    counted = counter(*events, decay=decay)

    assert len(row(counted, 0)) == KEPT_ROW
    assert counted.row(0)[2] == MAX_ROW + 1


def test_a_product_that_nothing_follows_has_an_empty_row() -> None:
    assert row(counter(), 5) == row(counter(), -1) == {}


@given(
    st.lists(st.tuples(st.sampled_from("uvw"), st.integers(0, 4), st.integers(0, 9)), max_size=40),
    st.integers(0, 40),
)
def test_what_was_saved_goes_on_as_if_it_had_never_stopped(
    events: list[tuple[str, int, int]], cut: int
) -> None:
    whole, first = counter(*events), counter(*events[:cut])

    second = TransitionCounter.load(first.save(), DECAY)
    for user, number, time_us in events[cut:]:
        second.add(user, number, time_us, covered=False)

    assert second.save() == whole.save()
    assert [row(second, n) for n in range(5)] == [row(whole, n) for n in range(5)]


def test_sums_are_those_of_the_rows() -> None:
    counted = counter(("u", 0, 1), ("u", 1, 2), ("u", 0, 3))

    for number in (0, 1):
        _, weights, total = counted.row(number)
        assert total == pytest.approx(np.sum(weights))
