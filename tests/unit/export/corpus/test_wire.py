"""The import lines: messages of the API, one a line."""

import json
from typing import Any

import pyarrow as pa
import pytest
from google.protobuf import json_format

from relatum.v1 import event_pb2, product_pb2
from relatum_export.corpus.product import MAX_VALUE_BYTES, attributes, cut, products
from relatum_export.corpus.wire import event_lines, money, product_line


def events(rows: list[dict[str, Any]]) -> pa.Table:
    schema = pa.schema(
        [
            ("user_id", pa.string()),
            ("item_id", pa.string()),
            ("event_type", pa.string()),
            ("value", pa.float64()),
            ("quantity", pa.int64()),
            ("timestamp", pa.int64()),
            ("session_id", pa.string()),
            ("position", pa.int64()),
            ("split", pa.string()),
        ]
    )
    plain = {"event_type": "PURCHASE", "quantity": 1, "split": "train"}
    return pa.Table.from_pylist([{**plain, **row} for row in rows], schema=schema)


def parsed(table: pa.Table) -> list[event_pb2.Event]:
    return [json_format.Parse(line, event_pb2.Event()) for line in event_lines(table)]


def test_a_basket_of_more_than_256_products_becomes_several_events() -> None:
    rows = [
        {"user_id": "u", "session_id": "s", "timestamp": 1, "item_id": f"p{n}"} for n in range(600)
    ]

    made = parsed(events(rows))

    assert [len(event.items) for event in made] == [256, 256, 88]
    assert len({event.id for event in made}) == 3


def test_lines_of_one_product_in_a_basket_add_up() -> None:
    row = {"user_id": "u", "session_id": "s", "timestamp": 1, "item_id": "a", "quantity": 2}

    (event,) = parsed(events([row, row]))

    assert [(item.product_id, item.quantity) for item in event.items] == [("a", 4)]


def test_equal_lines_without_a_session_are_events_of_their_own() -> None:
    row = {"user_id": "u", "timestamp": 1, "item_id": "a"}

    made = parsed(events([row, row]))

    assert len({event.id for event in made}) == 2


def test_events_without_a_time_carry_none_and_keep_their_order() -> None:
    rows = [{"user_id": "u", "item_id": f"p{n}", "position": n} for n in (2, 0, 1)]

    made = parsed(events(rows))

    assert not any(event.HasField("time") for event in made)
    assert [event.items[0].product_id for event in made] == ["p0", "p1", "p2"]
    assert [event.sequence for event in made] == [1, 2, 3]


def test_a_rating_is_the_events_value() -> None:
    first, second = parsed(
        events([{"user_id": "u", "item_id": "a", "value": 4.0}, {"user_id": "u", "item_id": "b"}])
    )

    assert first.value == 4.0
    assert not second.HasField("value")


@pytest.mark.parametrize(
    ("price", "units", "nanos"),
    [
        (4.5, "4", 500_000_000),
        (2.549999952316284, "2", 550_000_000),
        (-1.25, "-1", -250_000_000),
        (0.999_999_9, "1", 0),
        (3.0, "3", 0),
    ],
)
def test_a_price_is_units_and_nanos_of_one_sign(price: float, units: str, nanos: int) -> None:
    made = money(price, "GBP")

    assert (made["units"], made["nanos"]) == (units, nanos)


def test_a_product_with_every_field_is_a_message_of_the_api() -> None:
    row = {
        "item_id": "a",
        "title": "无线鼠标",
        "description": "<p>Quiet</p>",
        "brand": "Acme",
        "category": "Computer/Mouse",
        "attributes": json.dumps({"dpi": [800, 1600], "wireless": True, "spans": [{"x": 1}]}),
        "price": 12.34,
        "image_url": "https://example.com/a.jpg",
        "lang": "mul",
        "group_id": "g",
    }
    (product,) = products(pa.Table.from_pylist([row]), "CNY", "/")

    made = json_format.Parse(product_line(product, (4.5, 10)), product_pb2.Product())

    assert list(made.categories) == ["Computer > Mouse"]
    assert list(made.attributes["dpi"].numbers) == [800.0, 1600.0]
    assert list(made.attributes["wireless"].text) == ["true"]
    assert "spans" not in made.attributes
    assert (made.price.currency_code, made.price.units, made.price.nanos) == ("CNY", 12, 340000000)
    assert (made.rating.average, made.rating.count) == (4.5, 10)
    assert made.language_code == "zh"


def test_attributes_stay_within_the_limits_of_the_api() -> None:
    raw = {f"key{n}": "x" * 5_000 for n in range(100)} | {"k" * 200: "long key"}

    made = attributes(raw)

    assert len(made) == 64
    assert all(len(words[0]) == MAX_VALUE_BYTES for words, _ in made.values())


def test_a_cut_text_never_ends_within_a_character() -> None:
    assert cut("鼠标鼠标", 7) == "鼠标"
