"""Waits between purchases of one product, over all shoppers."""

import math

import numpy as np
import pytest

from relatum_server.index.repurchases import PRIOR_DAYS, RepurchaseCounter

DAY_US = 86_400 * 1_000_000
MILK, TEA = 0, 1
IDS = {MILK: "milk", TEA: "tea"}


def counter(*purchases: tuple[str, int, float]) -> RepurchaseCounter:
    """Of (shopper, product, day)."""
    counted = RepurchaseCounter()
    for user, number, day in purchases:
        counted.add(user, IDS[number], number, int(day * DAY_US))
    return counted


def days(counted: RepurchaseCounter, *numbers: int) -> list[float]:
    found: list[float] = np.exp(counted.log_intervals(np.array(numbers, np.int64))).tolist()
    return found


def test_without_a_purchase_everything_is_bought_once_a_month() -> None:
    assert days(RepurchaseCounter(), MILK, -1) == pytest.approx([PRIOR_DAYS, PRIOR_DAYS])
    assert RepurchaseCounter().rates(np.array([0, -1])).tolist() == [0.0, 0.0]


def test_many_waits_of_a_week_make_a_week() -> None:
    counted = counter(*((f"u{n}", MILK, day) for n in range(100) for day in (0, 7, 14)))

    assert days(counted, MILK)[0] == pytest.approx(7, rel=0.1)


def test_a_product_without_a_wait_has_that_of_the_shop() -> None:
    counted = counter(*((f"u{n}", MILK, day) for n in range(100) for day in (0, 7)), ("u", TEA, 0))

    milk, tea, unknown = days(counted, MILK, TEA, -1)

    shop = math.exp((100 * math.log(7) + 5 * math.log(PRIOR_DAYS)) / 105)
    assert [tea, unknown] == pytest.approx([shop, shop])
    assert milk < tea


def test_the_rate_is_the_share_of_purchases_that_were_not_a_first() -> None:
    counted = counter(
        *((f"u{n}", MILK, 0) for n in range(90)), *((f"u{n}", MILK, 9) for n in range(50))
    )

    assert counted.rates(np.array([MILK])).tolist() == [50 / (50 + 90 + 10)]


def test_two_purchases_of_one_trip_are_no_repeat() -> None:
    counted = counter(("u", MILK, 0), ("u", MILK, 0.4))

    assert counted.rates(np.array([MILK])).tolist() == [0.0]


def test_purchases_without_a_shopper_tell_the_time_alone() -> None:
    counted = counter(("", MILK, 3), ("", MILK, 9))

    assert counted.newest_us == 9 * DAY_US
    assert counted.rates(np.array([MILK])).tolist() == [0.0]


def test_a_purchase_that_comes_late_is_a_wait_too() -> None:
    assert days(counter(("u", MILK, 8), ("u", MILK, 0)), MILK) == pytest.approx(
        days(counter(("u", MILK, 0), ("u", MILK, 8)), MILK)
    )
