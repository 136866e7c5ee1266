"""Every next event is learned once, with context, and nothing is learned that was known."""

import numpy as np
import pytest

from relatum_export.training.users.histories import History
from relatum_export.training.users.windows import Sparse, gaps_of, windows_of


def history(items, baskets=None, days=None):
    count = len(items)
    return History(
        "u",
        np.array(items, np.int64),
        np.arange(count) if baskets is None else np.array(baskets, np.int64),
        np.full(count, np.nan) if days is None else np.array(days, np.float64),
    )


def rows(sparse: Sparse) -> list[list[int]]:
    return [part.tolist() for part in np.split(sparse.column, sparse.start[1:-1])]


def test_a_short_history_is_one_window_that_learns_every_next_event():
    (window,) = windows_of(history([4, 7, 9]), 5, in_baskets=False, repeats=False)

    assert window.items.tolist() == [4, 7]
    assert window.places.tolist() == [0, 1]
    assert rows(window.targets) == [[7], [9]]
    assert rows(window.seen) == [[4], [4, 7]]


@pytest.mark.parametrize("events", [2, 5, 6, 7, 20, 23])
def test_a_long_history_is_cut_so_that_each_next_event_is_learned_once_with_context(events):
    found = windows_of(history(range(events)), 6, in_baskets=False, repeats=True)

    learned = [target for window in found for (target,) in rows(window.targets)]
    assert learned == list(range(1, events))
    assert all(len(window.items) <= 6 for window in found)
    assert all(window.places[0] >= 3 for window in found[1:])


def test_what_the_shopper_has_is_no_target_unless_repeats_count():
    once = windows_of(history([1, 2, 1, 3]), 8, in_baskets=False, repeats=False)
    always = windows_of(history([1, 2, 1, 3]), 8, in_baskets=False, repeats=True)

    assert rows(once[0].targets) == [[2], [3]]
    assert rows(once[0].seen) == [[1], [1, 2]]
    assert rows(always[0].targets) == [[2], [1], [3]]
    assert not len(always[0].seen.column)


def test_after_a_basket_the_whole_next_basket_is_the_target():
    shopper = history([1, 2, 3, 1, 4, 5], baskets=[0, 0, 1, 1, 1, 2])

    (window,) = windows_of(shopper, 8, in_baskets=True, repeats=True)

    assert window.places.tolist() == [1, 4]
    assert rows(window.targets) == [[3, 1, 4], [5]]


def test_a_history_of_one_event_or_one_basket_teaches_nothing():
    assert windows_of(history([1]), 8, in_baskets=False, repeats=True) == []
    assert windows_of(history([1, 2], baskets=[0, 0]), 8, in_baskets=True, repeats=True) == []


def test_a_gap_is_the_time_to_the_next_event_and_unknown_without_one():
    np.testing.assert_allclose(gaps_of(np.array([1.0, 1.0, 4.5])), [0.0, 3.5, -1.0])
    np.testing.assert_allclose(gaps_of(np.full(2, np.nan)), [-1.0, -1.0])
