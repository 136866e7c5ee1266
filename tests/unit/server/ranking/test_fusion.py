"""Fusion and diversity."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from relatum_server.ranking.diversity import one_per_group
from relatum_server.ranking.fusion import association, by_largest


@given(st.lists(st.integers(-1, 5), max_size=40))
def test_the_first_of_each_group_stays_and_all_without_a_group(groups):
    rows = one_per_group(np.array(groups, np.int64)).tolist()

    expected = [i for i, g in enumerate(groups) if g < 0 or g not in groups[:i]]
    assert rows == expected


@given(st.lists(st.floats(0, 1e6), max_size=20))
def test_scores_divided_by_their_largest_end_at_one(values):
    scaled = by_largest(np.array(values, np.float64))

    assert ((scaled >= 0) & (scaled <= 1)).all()
    assert not any(values) or scaled.max() == 1.0


@given(st.integers(1, 1000), st.integers(0, 1000), st.integers(0, 1000))
def test_association_is_a_share_and_grows_with_the_baskets_that_hold_both(both, more_a, more_b):
    less, more = association(
        np.array([both, both + 1], np.float64), both + 1 + more_a, np.full(2, both + 1.0 + more_b)
    )

    assert 0 < less < more < 1
