"""The counters are a function of the events: how they were split between starts is not seen."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relatum_server.domain import Event, EventType, ProductQuantity
from relatum_server.index.counters import EventCounters, OptionalCounts
from relatum_server.index.transitions import TransitionDecay

DAY_US = 86_400 * 1_000_000
NOW = 19_000 * DAY_US
COVERED = {"a": NOW, "b": NOW - 5 * DAY_US}
OPTIONAL = OptionalCounts(TransitionDecay(window=2, step=0.5, backwards=0.25), log_days=15.0)


def purchase(basket: str, *ids: str, days_ago: int = 0, user: str = "", name: str = "") -> Event:
    return Event(
        id=name,
        type=EventType.PURCHASE,
        user=user,
        session=basket,
        time_us=NOW - days_ago * DAY_US,
        items=tuple(ProductQuantity(i) for i in ids),
    )


def search(query: str, user: str) -> Event:
    return Event(id="", type=EventType.SEARCH, user=user, query=query)


events = st.lists(
    st.one_of(
        st.builds(
            lambda basket, ids, days, user: purchase(basket, *ids, days_ago=days, user=user),
            st.sampled_from("xyz"),
            st.lists(st.sampled_from("abcde"), max_size=4),
            st.integers(-20, 20),
            st.sampled_from(["u", "v", ""]),
        ),
        st.builds(search, st.sampled_from(["tea", "milk"]), st.sampled_from(["u", "v", ""])),
    ),
    max_size=40,
)


def neighbours(counters: EventCounters, product_id: str) -> dict[str, float]:
    found, counts = counters.baskets.neighbours(counters.numbers[product_id])
    return {counters.ids[n]: c for n, c in zip(found.tolist(), counts.tolist(), strict=True)}


def successors(counters: EventCounters, number: int) -> object:
    assert counters.transitions is not None
    numbers, weights, total = counters.transitions.row(number)
    return sorted(zip(numbers.tolist(), weights.tolist(), strict=True)), total


def log(counters: EventCounters) -> object:
    assert counters.log is not None
    held = counters.log.held()
    return held.times_us.tolist(), held.starts.tolist(), held.numbers.tolist()


def everything(counters: EventCounters) -> object:
    numbers = range(len(counters.ids))
    window, counts = counters.recent.counts()
    return (
        counters.ids,
        counters.numbers,
        counters.popularity.logs(numbers).tolist(),
        counters.covered(numbers).tolist(),
        [neighbours(counters, product_id) for product_id in counters.ids],
        counters.baskets.counts(np.array(numbers, np.int64)).tolist(),
        sorted(zip(window.tolist(), counts.tolist(), strict=True)),
        counters.recent.shares(np.array(numbers, np.int64)).tolist(),
        counters.repurchases.log_intervals(np.array(numbers, np.int64)).tolist(),
        counters.repurchases.rates(np.array(numbers, np.int64)).tolist(),
        counters.repurchases.newest_us,
        log(counters),
        [successors(counters, number) for number in numbers],
        counters.queries.complete("", 10),
    )


@given(events, st.integers(0, 40))
def test_what_was_saved_goes_on_as_if_it_had_never_stopped(events: list[Event], cut: int) -> None:
    whole, first = EventCounters(COVERED, OPTIONAL), EventCounters(COVERED, OPTIONAL)
    whole.add(events)
    first.add(events[:cut])

    second = EventCounters.load(first.save(), COVERED, OPTIONAL)
    second.add(events[cut:])

    assert everything(second) == everything(whole)
    assert second.save() == whole.save()


def test_a_pair_that_the_history_has_follows_nothing_again() -> None:
    counters = EventCounters({"a": NOW, "b": NOW}, OPTIONAL)

    counters.add([purchase("x", "a", "b", user="u"), purchase("y", "c", user="u", days_ago=-1)])

    assert successors(counters, 0) == ([(2, 0.5)], 0.5)
    assert successors(counters, 1) == ([(2, 1.0)], 1.0)


def test_counters_saved_without_transitions_are_none_where_they_are_wanted() -> None:
    with pytest.raises(ValueError, match="Expected"):
        EventCounters.load(EventCounters().save(), {}, OPTIONAL)


def test_a_purchase_that_the_history_has_enters_no_basket_again() -> None:
    counters = EventCounters({"a": NOW, "b": NOW})

    counters.add([purchase("x", "a", "b"), purchase("y", "a", "b", days_ago=-1)])

    assert neighbours(counters, "a") == {"b": 1.0}
    assert counters.covered([0, 1]).tolist() == [1.0, 1.0]


def test_a_purchase_of_a_product_that_the_history_lacks_is_counted_whenever_it_was() -> None:
    counters = EventCounters({"a": NOW})

    counters.add([purchase("x", "new", "other", days_ago=300)])

    assert neighbours(counters, "new") == {"other": 1.0}


def test_a_purchase_that_the_history_has_is_popular_when_it_was_bought() -> None:
    counters = EventCounters({"a": NOW})

    counters.add([purchase("x", "a", days_ago=7)])

    assert counters.popularity.logs([0]) == [(NOW - 7 * DAY_US) / (7 * DAY_US)]
    assert counters.recent.counts()[1].tolist() == [1]


def test_baskets_are_told_apart_by_session_else_shopper_and_time_else_event() -> None:
    counters = EventCounters()

    counters.add(
        [
            purchase("s", "a", user="u"),
            purchase("s", "b", user="v", days_ago=3),
            purchase("", "c", user="u"),
            purchase("", "d", user="u"),
            purchase("", "e", user="u", days_ago=1),
            purchase("", "f", name="1"),
            purchase("", "g", name="2"),
        ]
    )

    assert neighbours(counters, "a") == {"b": 1.0}
    assert neighbours(counters, "c") == {"d": 1.0}
    assert [neighbours(counters, i) for i in "efg"] == [{}, {}, {}]


def test_counters_that_were_not_saved_by_this_code_are_no_counters() -> None:
    with pytest.raises(ValueError, match="Expected"):
        EventCounters.load(b"\x90", {})
