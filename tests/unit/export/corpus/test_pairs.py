"""Training pairs: which texts meet, and that nothing held out is among them."""

from collections.abc import Sequence

import pyarrow as pa
import pytest

from relatum_export.corpus.bought_together import baskets, sample_pairs
from relatum_export.corpus.leaks import leaks
from relatum_export.corpus.pairs import training_pairs
from relatum_export.corpus.product import Product, products

ITEMS = pa.table(
    {
        "item_id": ["a", "b", "c"],
        "title": ["Red mug", "Kettle", "Tea"],
        "description": ["For <b>coffee</b>", None, "tea"],
        "brand": ["Acme", None, None],
        "category": ["Kitchen", None, None],
        "attributes": pa.array([None] * 3, pa.string()),
        "price": [1.0] * 3,
        "image_url": pa.array([None] * 3, pa.string()),
        "lang": ["en"] * 3,
        "group_id": ["ga", "gb", "gc"],
    }
)


def catalogue() -> list[Product]:
    return products(ITEMS, "", "")


def table_of(kind: str, pairs: pa.Table) -> list[tuple[str, str, float, str]]:
    return [
        (p["text_a"], p["text_b"], p["label"], p["split"])
        for p in pairs.to_pylist()
        if p["kind"] == kind
    ]


def test_query_and_product_keep_their_label_and_test_stays_out() -> None:
    queries = pa.table({"query_id": ["q"], "query": ["mug  red"], "split": ["train"]})
    judgments = pa.table(
        {
            "query_id": ["q", "q", "q"],
            "item_id": ["a", "b", "c"],
            "label": [3.0, 0.0, 2.0],
            "split": ["train", "train", "test"],
        }
    )

    pairs, _ = training_pairs({"queries": queries, "judgments": judgments}, catalogue())

    assert table_of("query_product", pairs) == [
        ("mug red", "Red mug | Acme | Kitchen | For coffee", 3.0, "train"),
        ("mug red", "Kettle", 0.0, "train"),
    ]


def test_a_pair_of_train_that_is_also_in_test_is_left_out_and_counted() -> None:
    faq = pa.table(
        {
            "question": ["How?", "how?", "When?"],
            "answer": ["So.", "so.", "Now."],
            "split": ["train", "test", "train"],
        }
    )

    pairs, left_out = training_pairs({"faq": faq}, [])

    assert table_of("question_answer", pairs) == [("When?", "Now.", 3.0, "train")]
    assert left_out == {"also in valid or test": 1}


def test_a_description_that_says_the_title_again_makes_no_pair() -> None:
    pairs, _ = training_pairs({}, catalogue())

    found = table_of("title_description", pairs)
    assert [(a, b) for a, b, *_ in found] == [("Red mug", "For coffee")]


def purchases(rows: Sequence[tuple[str | None, str, str | None, str]]) -> pa.Table:
    users, items, sessions, splits = (list(column) for column in zip(*rows, strict=True))
    return pa.table(
        {
            "user_id": pa.array(users, pa.string()),
            "item_id": items,
            "event_type": ["PURCHASE"] * len(rows),
            "timestamp": list(range(len(rows))),
            "session_id": pa.array(sessions, pa.string()),
            "position": pa.array([None] * len(rows), pa.int64()),
            "split": splits,
            "review_text": pa.array([None] * len(rows), pa.string()),
        }
    )


def test_products_of_one_session_or_bundle_were_bought_together() -> None:
    events = purchases(
        [("u", "a", "s", "train"), ("u", "b", "s", "train"), ("u", "c", "t", "test")]
    )
    bundles = pa.table({"items": [["b", "c", "b"], ["a", "c"]], "split": ["train", "test"]})

    assert baskets(events, bundles, "train") == [["a", "b"], ["b", "c"]]


def test_without_sessions_neighbours_in_a_history_were_bought_together() -> None:
    events = purchases(
        [
            ("u", "c", None, "train"),
            ("v", "a", None, "train"),
            ("u", "a", None, "train"),
            ("u", "b", None, "train"),
            (None, "c", None, "train"),
        ]
    )

    assert baskets(events, None, "train") == [["c", "a"], ["a", "b"]]


def test_valid_pairs_come_from_valid_baskets_and_repeat_none_of_train() -> None:
    events = purchases(
        [
            ("u", "a", "s", "train"),
            ("u", "b", "s", "train"),
            ("u", "a", "t", "valid"),
            ("u", "b", "t", "valid"),
            ("u", "c", "t", "valid"),
            ("u", "a", "x", "test"),
        ]
    )

    pairs, _ = training_pairs({"events": events}, catalogue())

    found = [
        (p["item_id_a"], p["item_id_b"], p["split"])
        for p in pairs.to_pylist()
        if p["kind"] == "co_bought"
    ]
    assert sorted(found) == [("a", "b", "train"), ("a", "c", "valid"), ("b", "c", "valid")]


@pytest.mark.parametrize("limit", [1, 50, 100_000])
def test_sampled_pairs_are_distinct_the_same_each_time_and_never_of_one_group(limit: int) -> None:
    groups = {f"p{n}": f"g{n // 2}" for n in range(200)}
    found = [[f"p{(b * 7 + n) % 200}" for n in range(60)] for b in range(20)]

    pairs = list(sample_pairs(found, groups, limit))

    assert pairs == list(sample_pairs(found, groups, limit))
    assert len(set(pairs)) == len(pairs) <= limit
    assert all(a < b and groups[a] != groups[b] for a, b in pairs)
    assert pairs


def test_equal_and_nearly_equal_queries_across_splits_are_counted() -> None:
    queries = pa.table(
        {
            "query": ["red mug", "mug red", "RED  mug", "tea", "kettle"],
            "split": ["train", "test", "valid", "train", "test"],
        }
    )

    assert leaks({"queries": queries}, {}) == [
        {"table": "queries", "between": "train/valid", "equal": 1, "near": 0},
        {"table": "queries", "between": "train/test", "equal": 0, "near": 1},
        {"table": "queries", "between": "valid/test", "equal": 0, "near": 1},
    ]
