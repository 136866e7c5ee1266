"""Which attribute values of a catalogue are words."""

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest

from relatum_export.corpus.attribute_words import ADDRESS, HASH, ORIGIN, SHARED, without_codes
from relatum_export.corpus.product import Product, products


def catalogue(attributes: Sequence[dict[str, Any]], title: str = "lamp") -> list[Product]:
    rows = [
        {
            "item_id": f"p{number}",
            "title": title,
            "description": None,
            "brand": None,
            "category": None,
            "attributes": json.dumps(raw),
            "price": None,
            "image_url": None,
            "lang": "en",
            "group_id": None,
        }
        for number, raw in enumerate(attributes)
    ]
    schema = {name: pa.string() for name in rows[0]} | {"price": pa.float64()}
    return products(pa.Table.from_pylist(rows, pa.schema(schema)), "", "")


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("manual", "https://shop.example/m/1.pdf", ADDRESS),
        ("manual", "www.shop.example/m", ADDRESS),
        ("feature", "527a325f46248058e3c5df9fb548f05f", HASH),
        ("feature", "123e4567-e89b-12d3-a456-426614174000", HASH),
        ("source", "Abt-Buy", ORIGIN),
        ("thumbnail_url", "cdn/1", ORIGIN),
        ("lang_tag", "en-US", ORIGIN),
    ],
)
def test_what_is_no_word_is_left_out_and_told(key: str, value: str, reason: str) -> None:
    made, told = without_codes(catalogue([{key: value, "colour": "red"}]))

    assert made[0].attributes == {"colour": (["red"], [])}
    assert told == {key: {reason: 1}}


@pytest.mark.parametrize(
    "value", ["red", "BL460c", "30 x 40 cm", "深蓝", "1/2", "500 g", "defaced"]
)
def test_words_sizes_and_models_stay(value: str) -> None:
    given = catalogue([{"kind": value}])

    made, told = without_codes(given)

    assert made == given
    assert told == {}


def test_numbers_written_as_text_become_numbers_where_the_attribute_is_one_of_numbers() -> None:
    made, _ = without_codes(catalogue([{"code": "10002", "size": "42"}, {"size": "M"}]))

    assert made[0].attributes == {"code": ([], [10002.0]), "size": (["42"], [])}
    assert made[0].text.attributes == {"size": ["42"]}


@pytest.mark.parametrize("code", ["0042", "00", "+007.5"])
def test_a_code_that_begins_with_0_stays_text(code: str) -> None:
    given = catalogue([{"code": code}])

    assert without_codes(given)[0] == given


@pytest.mark.parametrize(("text", "number"), [("0", 0.0), ("0.5", 0.5), ("-10.0", -10.0)])
def test_a_number_with_a_0_of_its_own_is_one(text: str, number: float) -> None:
    assert without_codes(catalogue([{"size": text}]))[0][0].attributes == {"size": ([], [number])}


def test_a_number_too_long_to_be_held_exactly_stays_text() -> None:
    given = catalogue([{"code": "1234567890123456789"}])

    assert without_codes(given)[0] == given


def test_a_value_of_nearly_all_products_is_left_out_and_the_rare_one_stays() -> None:
    shop = catalogue([{"new": "yes"}] * 39 + [{"new": "refurbished"}])

    made, told = without_codes(shop)

    assert made[0].attributes == {}
    assert made[39].attributes == {"new": (["refurbished"], [])}
    assert told == {"new": {SHARED: 39}}


def test_a_handful_of_products_cannot_say_what_nearly_all_share() -> None:
    shop = catalogue([{"colour": "red"}] * 5)

    assert without_codes(shop)[0] == shop


def test_a_product_without_other_words_keeps_what_it_has() -> None:
    shop = catalogue([{"feature": "527a325f46248058e3c5df9fb548f05f"}], title="")

    assert without_codes(shop)[0] == shop
