"""The baskets of the last weeks."""

import pytest

from relatum_server.index import basket_log
from relatum_server.index.basket_log import BasketLog

DAY_US = basket_log.DAY_US


def log(*lines: tuple[int, int, float], days: float = 10) -> BasketLog:
    """Of (basket, product, day)."""
    made = BasketLog(days)
    for basket, number, day in lines:
        made.add(number, basket, int(day * DAY_US))
    return made


def baskets(made: BasketLog) -> list[tuple[float, list[int]]]:
    held = made.held()
    return [
        (time_us / DAY_US, held.numbers[start:end].tolist())
        for time_us, start, end in zip(
            held.times_us.tolist(), held.starts[:-1], held.starts[1:], strict=True
        )
    ]


def test_lines_of_a_basket_stand_together_each_product_once() -> None:
    made = log((7, 1, 3), (8, 2, 4), (7, 5, 3.5), (7, 1, 3))

    assert baskets(made) == [(3, [1, 5]), (4, [2])]


def test_a_basket_that_left_the_window_is_forgotten() -> None:
    made = log((1, 1, 0), (2, 2, 5))
    assert len(baskets(made)) == 2

    made.add(3, 3, 11 * DAY_US)

    assert baskets(made) == [(5, [2]), (11, [3])]


def test_an_event_that_comes_too_late_is_not_counted_and_one_in_time_is() -> None:
    assert baskets(log((1, 1, 20), (2, 2, 9), (3, 3, 11))) == [(20, [1]), (11, [3])]


def test_the_oldest_go_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(basket_log, "MAX_BASKETS", 2)

    assert baskets(log((1, 1, 1), (2, 2, 2), (3, 3, 3))) == [(2, [2]), (3, [3])]


def test_an_empty_log_holds_nothing() -> None:
    assert baskets(log()) == []
