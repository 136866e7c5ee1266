"""When a product is due."""

import math

import numpy as np
import pytest

from relatum_server.ranking.repurchase import DAY_US, due, inclination, trips, typical_wait


def test_a_product_is_due_when_its_wait_is_over_and_less_before_and_after() -> None:
    near = due(np.array([0.0, 5.0, 10.0, 20.0, 1000.0, -1.0]), np.full(6, 10.0)).tolist()

    assert near[2] == 1.0
    assert near[1] == near[3] == 0.8
    assert near[0] == near[5] == 0.0
    assert near[4] < 0.1


def test_the_own_waits_outweigh_those_of_all_the_more_there_are() -> None:
    everybody = math.log(30)
    once = typical_wait([90 * DAY_US], everybody)
    twice = typical_wait([90 * DAY_US, 80 * DAY_US], everybody)
    often = typical_wait([(90 - 10 * n) * DAY_US for n in range(9)], everybody)

    assert once == pytest.approx(30)
    assert twice == pytest.approx(math.sqrt(10 * 30))
    assert 10 < often < 12


def test_one_long_absence_does_not_move_the_median() -> None:
    waits = [7, 7, 300, 7, 7]
    times = [DAY_US * sum(waits[n:]) for n in range(6)]

    assert typical_wait(times, math.log(7)) == pytest.approx(7)


def test_purchases_of_one_trip_are_one() -> None:
    hour = DAY_US // 24
    assert trips([100 * hour, 95 * hour, 90 * hour, 10 * hour]) == [100 * hour, 10 * hour]


def test_what_was_repeated_is_surer_than_what_others_repeat() -> None:
    sure = inclination(np.array([0.0, 1.0, 9.0, 0.0]), np.array([0.3, 0.3, 0.3, 0.0])).tolist()

    assert sure == pytest.approx([0.3, 0.65, 0.93, 0.0])
