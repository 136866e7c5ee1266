import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relatum_server.index.popularity import HALF_LIFE_US, PopularityCounter, log_at_epoch

NOW = 1_700_000_000_000_000
DAY_US = HALF_LIFE_US // 7

purchases = st.lists(
    st.tuples(st.integers(0, 9), st.integers(NOW - 90 * DAY_US, NOW)), min_size=1, max_size=60
)


@given(events=purchases, random=st.randoms(use_true_random=False))
def test_popularity_is_the_decayed_sum_in_any_order_of_events(events, random) -> None:
    sums = np.zeros(10)
    for number, time_us in events:
        sums[number] += 2.0 ** ((time_us - NOW) / HALF_LIFE_US)
    random.shuffle(events)
    counter = PopularityCounter()

    for number, time_us in events:
        counter.add(number, time_us)

    counted = np.exp2(counter.logs(range(10)) - NOW / HALF_LIFE_US)
    np.testing.assert_allclose(counted, sums, rtol=1e-9)


def test_a_purchase_counts_half_after_seven_days() -> None:
    counter = PopularityCounter()
    counter.add(0, NOW)
    counter.add(1, NOW - 7 * DAY_US)

    logs = counter.logs([0, 1, 2])

    assert logs[0] - logs[1] == pytest.approx(1.0)
    assert logs[2] == -math.inf


def test_what_was_counted_goes_on_where_it_was_left() -> None:
    whole, first = PopularityCounter(), PopularityCounter()
    for counter in (whole, first):
        counter.add(1, NOW)
        counter.add(1, NOW - DAY_US)
    second = PopularityCounter(first.logs(range(2)).tolist())

    for counter in (whole, second):
        counter.add(1, NOW + DAY_US)
        counter.add(3, NOW)

    assert second.logs(range(4)).tolist() == whole.logs(range(4)).tolist()


def test_counts_of_nothing_have_no_logarithm() -> None:
    logs = log_at_epoch(np.array([0.0, -2.0, 4.0]), np.array([NOW, NOW, NOW]))

    assert logs.tolist() == [-math.inf, -math.inf, 2.0 + NOW / HALF_LIFE_US]
