"""Next basket: a shopper's first basket of the period, repeated and new items apart."""

import math

import numpy as np
import pytest

from relatum_export.evaluation.protocols.baskets import DAY_S, NextBasket
from relatum_export.evaluation.protocols.next_basket import (
    NEXT_BASKET,
    own_frequency,
    recent_own_frequency,
)
from tests.unit.export.evaluation.corpora import event, figures, task_of, write_corpus

ITEMS = ("a", "b", "c", "d", "e")


def basket(user, session, items, day, split="train"):
    return [
        event(user, item, split, session_id=session, timestamp=int(day * DAY_S)) for item in items
    ]


# u buys a twice and b once; then, in test, a (again) and c and d (new).
EVENTS = [
    *basket("u", "s1", "a", 0),
    *basket("u", "s2", "ab", 1),
    *basket("v", "s3", "cd", 2),
    *basket("v", "s4", "d", 3),
    *basket("u", "s5", "acd", 30, "test"),
    *basket("u", "s6", "e", 31, "test"),
]


def read(tmp_path, events, **more):
    return NextBasket.read(write_corpus(tmp_path, ITEMS, events, **more))


def test_the_case_is_the_first_basket_of_the_period_after_all_earlier_ones(tmp_path):
    data = read(tmp_path, EVENTS)

    (case,) = data.cases["test"]
    assert case.user == "u"
    assert [b.tolist() for b in case.before] == [[0], [0, 1]]
    assert case.basket.tolist() == [0, 2, 3]
    assert data.cases["valid"] == []


def test_of_two_baskets_at_one_time_the_lower_id_is_first_and_the_other_is_no_history(tmp_path):
    events = [
        *basket("u", "s1", "a", 0),
        *basket("u", "z", "b", 9, "test"),
        *basket("u", "y", "c", 9, "test"),
    ]

    (case,) = read(tmp_path, events).cases["test"]

    assert case.basket.tolist() == [2]
    assert [b.tolist() for b in case.before] == [[0]]


def test_a_valid_basket_is_history_of_the_test_case_and_strangers_to_train_are_left_out(tmp_path):
    events = [
        *basket("u", "s1", "a", 0),
        *basket("u", "s2", "b", 8, "valid"),
        *basket("u", "s3", "c", 9, "test"),
        *basket("new", "s4", "b", 8, "valid"),
        *basket("new", "s5", "b", 9, "test"),
    ]

    data = read(tmp_path, events)

    (case,) = data.cases["test"]
    assert [b.tolist() for b in case.before] == [[0], [1]]
    assert [c.user for c in data.cases["valid"]] == ["u"]


def test_cancellations_lines_without_shopper_or_basket_and_unknown_items_do_not_count(tmp_path):
    events = [
        *basket("u", "s1", "a", 0),
        {**basket("u", "s2", "b", 1)[0], "event_type": "RETURN"},
        *basket(None, "s3", "c", 1),
        event("u", "d", timestamp=DAY_S),
        *basket("u", "s4", ["gone"], 1),
        *basket("u", "s5", "a", 9, "test"),
    ]

    data = read(tmp_path, events)

    assert data.popularity["train"].tolist() == [1, 0, 0, 0, 0]
    assert [b.tolist() for b in data.cases["test"][0].before] == [[0]]


def test_on_online_retail_only_codes_that_begin_with_five_digits_are_products(tmp_path):
    items = ("10002", "15056BL", "POST", "1234", "M")
    events = [event("u", item, session_id="s", timestamp=i) for i, item in enumerate(items)]

    data = NextBasket.read(write_corpus(tmp_path, items, events, name="online_retail"))

    assert data.items == ("10002", "15056BL")


def test_own_frequency_counts_baskets_and_ranks_all_repeated_and_new_items(tmp_path):
    found = figures(NEXT_BASKET, task_of(write_corpus(tmp_path, ITEMS, EVENTS)))

    # a 2, b 1, then by popularity in train d (2), c (1), e (0). The basket is a, c, d.
    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    hits = 1 + 1 / math.log2(4) + 1 / math.log2(5)
    assert found["test/NDCG@10/own-frequency"].value == pytest.approx(hits / ideal)
    assert found["test/R@10/own-frequency"].value == 1
    # Bought before: candidates a, b; the basket is a. New: candidates d, c, e; basket c, d.
    assert found["test/NDCG@10/repeat/own-frequency"].value == 1
    assert found["test/NDCG@10/new/own-frequency"].value == 1
    # Popularity in train: a 2, d 2, b 1, c 1, e; among the new d, c, e.
    popular = 1 + 1 / math.log2(3) + 1 / math.log2(5)
    assert found["test/NDCG@10/popularity"].value == pytest.approx(popular / ideal)


def test_a_basket_larger_than_ten_has_an_ideal_of_ten(tmp_path):
    items = [f"p{i:02}" for i in range(12)]
    events = [*basket("u", "s1", items, 0), *basket("u", "s2", items, 9, "test")]

    found = figures(NEXT_BASKET, task_of(write_corpus(tmp_path, items, events)))

    assert found["test/NDCG@10/own-frequency"].value == pytest.approx(1)
    assert found["test/R@10/own-frequency"].value == pytest.approx(10 / 12)
    assert found["test/NDCG@10/new/own-frequency"].units == ()


def test_recent_share_counts_the_baskets_of_the_seven_days_before(tmp_path):
    data = read(tmp_path, EVENTS)

    # Before day 7.5: s2 (day 1) to s4; s1 (day 0) is too old. Of three baskets d is in two.
    share = data.recent_share(7.5 * DAY_S)
    assert share.tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3, 2 / 3, 0])
    assert data.recent_share(7 * DAY_S).tolist() == pytest.approx([2 / 4, 1 / 4, 1 / 4, 2 / 4, 0])
    assert data.recent_share(0).tolist() == [0, 0, 0, 0, 0]


def test_recent_own_frequency_decays_by_basket_and_is_divided_by_its_largest(tmp_path):
    events = [
        *basket("u", "s1", "a", 0),
        *basket("u", "s2", "ab", 1),
        *basket("u", "s3", "c", 2),
        *basket("u", "s4", "a", 9, "test"),
    ]

    (case,) = read(tmp_path, events).cases["test"]

    assert own_frequency(case, 5).tolist() == [2, 1, 1, 0, 0]
    expected = np.array([0.81 + 0.9, 0.9, 1, 0, 0]) / 1.71
    assert recent_own_frequency(case, 5) == pytest.approx(expected)


def test_without_a_clock_the_order_number_is_the_time_and_recent_systems_are_left_out(tmp_path):
    events = [
        event("u", "a", session_id="x", position=2),
        event("u", "b", session_id="y", position=1),
        event("u", "b", "test", session_id="z", position=3),
    ]
    corpus = write_corpus(tmp_path, ITEMS, events)
    task = task_of(corpus)

    found = figures(NEXT_BASKET, task)

    assert [b.tolist() for b in NextBasket.read(corpus).cases["test"][0].before] == [[1], [0]]
    assert "test/NDCG@10/popularity-7d" not in found
    assert "the events have no times" in task.notes[0]


def test_baskets_of_nobody_give_no_case(tmp_path):
    data = read(tmp_path, basket(None, "s1", "ab", 0))

    assert data.cases == {"valid": [], "test": []}
    assert data.recent_share(DAY_S).tolist() == [0] * 5


def test_every_system_has_a_second_figure_on_test_fitted_on_train_and_valid(tmp_path):
    events = [
        *basket("u", "s1", "a", 0),
        *basket("v", "s2", "c", 8, "valid"),
        *basket("v", "s4", "cc", 9, "valid"),
        *basket("u", "s3", "c", 40, "test"),
    ]

    found = figures(NEXT_BASKET, task_of(write_corpus(tmp_path, ITEMS, events)))

    # Train: a 1, then b and c by id. With valid c 2 leads, behind what u has bought. Nobody
    # bought in the last seven days, so what is recent ranks by popularity.
    second, third = 1 / math.log2(3), 1 / math.log2(4)
    with_valid = {
        "popularity": 1,
        "popularity-7d": 1,
        "own-frequency": second,
        "own-frequency-mix": second,
    }
    for system, expected in with_valid.items():
        assert found[f"test/NDCG@10/{system}"].value == pytest.approx(third)
        assert found[f"test/NDCG@10/{system}+valid"].value == pytest.approx(expected)
