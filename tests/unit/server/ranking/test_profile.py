"""Profiles from events."""

import pytest

from relatum_server.domain import Event, EventType, ProductQuantity
from relatum_server.ranking.profile import HALF_LIFE_US, build_profile


def event(kind, *ids, time_us=0, session="", value=None):
    items = tuple(ProductQuantity(i) for i in ids)
    return Event("", kind, session=session, time_us=time_us, items=items, value=value)


def test_a_purchase_loses_half_its_weight_in_a_half_life():
    profile = build_profile(
        [
            event(EventType.PURCHASE, "new", time_us=HALF_LIFE_US),
            event(EventType.PURCHASE, "old", time_us=0),
        ]
    )

    assert profile.weights == {"new": 1.0, "old": 0.5}


@pytest.mark.parametrize(("value", "weight"), [(5.0, 1.0), (3.0, None), (1.0, -1.0)])
def test_a_rating_weighs_by_its_distance_from_neutral(value, weight):
    profile = build_profile([event(EventType.RATING, "a", value=value)])

    assert profile.weights.get("a") == weight


def test_own_frequency_decays_by_baskets_and_is_divided_by_its_largest():
    profile = build_profile(
        [
            event(EventType.PURCHASE, "a", session="3", time_us=3),
            event(EventType.PURCHASE, "b", session="2", time_us=2),
            event(EventType.PURCHASE, "a", session="2", time_us=2),
            event(EventType.PURCHASE, "b", session="1", time_us=1),
        ]
    )

    largest = 1 + 0.9
    assert profile.repeats == pytest.approx({"a": 1.0, "b": (0.9 + 0.81) / largest})


def test_a_product_twice_in_one_basket_counts_once_for_frequency_and_twice_as_lines():
    line = event(EventType.PURCHASE, "a", session="1")

    profile = build_profile([line, line])

    assert profile.repeats == {"a": 1.0}
    assert profile.purchases == {"a": 2}


def test_views_are_no_purchases():
    profile = build_profile([event(EventType.VIEW, "a")])

    assert (profile.purchases, profile.repeats) == ({}, {})
    assert profile.weights == {"a": 0.2}


def test_nothing_is_known_without_events():
    assert build_profile([]).event_count == 0
