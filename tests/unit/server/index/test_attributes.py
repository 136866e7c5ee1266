from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from relatum_server.domain import Attribute, Availability, Money, Product, Rating
from relatum_server.errors import InvalidArgumentError
from relatum_server.index.attributes import MAX_FACET_VALUES, AttributeTable

PRODUCTS = (
    Product(
        id="milk",
        brand="Oatly",
        categories=("Food > Dairy > Milk", "Vegan"),
        attributes={"colour": Attribute(text=("White",)), "size": Attribute(numbers=(1.0, 0.5))},
        price=Money("EUR", 2, 500_000_000),
        rating=Rating(4.5, 10),
        platform="web",
        language_code="de",
        group_id="g1",
    ),
    Product(
        id="cheese",
        brand="ARLA",
        categories=("Food > Dairy",),
        attributes={"colour": Attribute(text=("Yellow", "white")), "size": Attribute(numbers=(2,))},
        price=Money("EUR", 5),
        availability=Availability.OUT_OF_STOCK,
        rating=Rating(2.0, 3),
        platform="app",
        language_code="en",
        group_id="g2",
    ),
    Product(id="bare"),
    Product(
        id="tv",
        brand="Sony",
        categories=("Electronics > TV",),
        attributes={"size": Attribute(text=("55", "large"))},
        price=Money("USD", 999, 990_000_000),
        availability=Availability.PREORDER,
        platform="web",
        language_code="en",
        group_id="g2",
    ),
)
MILK, CHEESE, BARE, TV = range(4)


@pytest.fixture
def table() -> AttributeTable:
    filled = AttributeTable()
    filled.upsert(list(enumerate(PRODUCTS)))
    return filled


def matches(table: AttributeTable, text: str) -> list[int]:
    return np.flatnonzero(table.mask(text)).tolist()


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("price = 2.5", [MILK]),
        ("price != 2.5", [CHEESE, BARE, TV]),
        ("price < 5", [MILK]),
        ("price <= 5", [MILK, CHEESE]),
        ("price > 5", [TV]),
        ("price >= 5", [CHEESE, TV]),
        ("price = 999.99", [TV]),
        ("rating = 4.5", [MILK]),
        ("rating != 4.5", [CHEESE, BARE, TV]),
        ("rating < 4.5", [CHEESE]),
        ("rating <= 4.5", [MILK, CHEESE]),
        ("rating > 2", [MILK]),
        ("rating >= 2", [MILK, CHEESE]),
        ("NOT rating >= 2", [BARE, TV]),
        ("brand = oatly", [MILK]),
        ("brand : Arla", [CHEESE]),
        ("brand != Arla", [MILK, BARE, TV]),
        ("brand = Oat", []),
        ("categories : dairy", [MILK, CHEESE]),
        ("categories = Food", [MILK, CHEESE]),
        ('categories : "food > dairy"', [CHEESE]),
        ('categories = "Food > Dairy > Milk"', [MILK]),
        ("categories = vegan", [MILK]),
        ("categories != food", [BARE, TV]),
        ("availability = IN_STOCK", [MILK, BARE]),
        ("availability = in_stock", [MILK, BARE]),
        ("availability : PREORDER", [TV]),
        ("availability != IN_STOCK", [CHEESE, TV]),
        ("availability = BACKORDER", []),
        ("platform = web", [MILK, TV]),
        ("platform : WEB", [MILK, TV]),
        ("platform != web", [CHEESE, BARE]),
        ("language_code = EN", [CHEESE, TV]),
        ("language_code : de", [MILK]),
        ("language_code != en", [MILK, BARE]),
        ("group_id = g2", [CHEESE, TV]),
        ("group_id : g1", [MILK]),
        ("group_id != g2", [MILK, BARE]),
        ("attributes.colour = white", [MILK, CHEESE]),
        ("attributes.colour : YELLOW", [CHEESE]),
        ("attributes.colour != yellow", [MILK, BARE, TV]),
        ("attributes.size = 0.5", [MILK]),
        ("attributes.size : 2", [CHEESE]),
        ("attributes.size = 55", [TV]),
        ("attributes.size != 2", [MILK, BARE, TV]),
        ("attributes.size < 1", [MILK]),
        ("attributes.size <= 2", [MILK, CHEESE]),
        ("attributes.size > 1", [CHEESE]),
        ("attributes.size >= 1", [MILK, CHEESE]),
        ("attributes.size > 3", []),
        ("attributes.size : large", [TV]),
        ("attributes.unheard = 1", []),
        ("attributes.unheard != 1", [MILK, CHEESE, BARE, TV]),
        ("price < 900 AND platform = web OR brand = sony", [MILK]),
        ("platform = web -brand = sony", [MILK]),
        ("NOT (platform = web OR platform = app)", [BARE]),
    ],
)
def test_a_filter_matches(table: AttributeTable, text: str, keys: list[int]) -> None:
    assert matches(table, text) == keys


def test_an_unknown_availability_is_refused_with_those_there_are(table: AttributeTable) -> None:
    with pytest.raises(InvalidArgumentError, match=r"availability is one of IN_STOCK") as caught:
        table.mask("availability = SOMETIMES")

    assert caught.value.reason == "INVALID_FILTER"


def test_spaces_around_values_do_not_count(table: AttributeTable) -> None:
    table.upsert([(9, Product(id="x", brand="  Acme ", attributes={"a": Attribute((" b ",))}))])

    assert matches(table, "brand = Acme attributes.a = b") == [9]


def test_an_update_replaces_everything(table: AttributeTable) -> None:
    table.upsert([(MILK, Product(id="milk", brand="Alpro"))])

    for gone in ("price > 0", "rating > 0", "brand = oatly", "categories : Milk", "platform = web"):
        assert MILK not in matches(table, gone)
    for gone in ("attributes.colour = white", "attributes.size > 0", "group_id = g1"):
        assert MILK not in matches(table, gone)
    assert matches(table, "brand = alpro") == [MILK]


def test_an_update_is_seen_after_the_old_was_asked_for(table: AttributeTable) -> None:
    before = matches(table, "attributes.size > 1"), facet(table, "attributes.colour")
    table.upsert([(BARE, PRODUCTS[CHEESE])])

    assert before == ([CHEESE], {"White": 2, "Yellow": 1})
    assert matches(table, "attributes.size > 1") == [CHEESE, BARE]
    assert facet(table, "attributes.colour") == {"White": 3, "Yellow": 2}


def test_removed_products_match_nothing_not_even_a_negation(table: AttributeTable) -> None:
    table.remove([MILK, TV, 70_000])

    assert matches(table, "brand != x") == [CHEESE, BARE]
    assert matches(table, "attributes.size >= 0") == [CHEESE]
    assert facet(table, "brand") == {"ARLA": 1}
    assert facet(table, "price") == {"5..10": 1}


def test_a_product_with_two_spellings_of_one_value_can_be_removed(table: AttributeTable) -> None:
    table.upsert([(8, Product(id="x", categories=("Toys", "toys > TOYS")))])

    assert matches(table, "categories = toys") == [8]
    table.remove([8])
    assert matches(table, "categories = toys") == []


def test_keys_beyond_the_first_1024_are_held(table: AttributeTable) -> None:
    table.upsert([(5000, PRODUCTS[TV]), (1024, PRODUCTS[CHEESE])])

    assert matches(table, "rating = 2") == [CHEESE, 1024]
    assert matches(table, "brand = sony") == [TV, 5000]
    assert matches(table, "price < 5") == [MILK]


def facet(
    table: AttributeTable, column: str, keys: Sequence[int] = (0, 1, 2, 3)
) -> Mapping[str, int]:
    return dict(table.facet(column, np.array(keys, np.int64)).values)


@pytest.mark.parametrize(
    ("column", "counts"),
    [
        ("brand", {"Oatly": 1, "ARLA": 1, "Sony": 1}),
        ("platform", {"web": 2, "app": 1}),
        ("language_code", {"en": 2, "de": 1}),
        ("availability", {"IN_STOCK": 2, "OUT_OF_STOCK": 1, "PREORDER": 1}),
        (
            "categories",
            {"Food > Dairy > Milk": 1, "Vegan": 1, "Food > Dairy": 1, "Electronics > TV": 1},
        ),
        ("attributes.colour", {"White": 2, "Yellow": 1}),
        ("attributes.size", {"55": 1, "large": 1}),
        ("attributes.unheard", {}),
        ("price", {"2..5": 1, "5..10": 1, "500..1000": 1}),
        ("rating", {"4.5..5": 1, "2..3": 1}),
    ],
)
def test_a_facet_counts_values(
    table: AttributeTable, column: str, counts: Mapping[str, int]
) -> None:
    assert facet(table, column) == counts


def test_a_facet_counts_only_the_products_asked_for(table: AttributeTable) -> None:
    assert facet(table, "platform", [MILK, BARE, 1000, 9_000_000]) == {"web": 1}
    assert facet(table, "platform", []) == {}


def test_facet_values_come_most_frequent_first_then_by_name(table: AttributeTable) -> None:
    values = table.facet("availability", np.arange(4)).values

    assert [name for name, _ in values] == ["IN_STOCK", "OUT_OF_STOCK", "PREORDER"]


def test_a_facet_has_its_commonest_values_alone() -> None:
    table = AttributeTable()
    rows = [(key, Product(id=str(key), brand=f"b{min(key, 30):02}")) for key in range(40)]
    table.upsert(rows)

    values = table.facet("brand", np.arange(40)).values

    assert len(values) == MAX_FACET_VALUES
    assert values[0] == ("b30", 10)


def test_spellings_of_one_value_are_counted_together(table: AttributeTable) -> None:
    table.upsert([(9, Product(id="x", brand="OATLY"))])

    assert facet(table, "brand", [MILK, 9]) == {"Oatly": 2}


def test_prices_below_zero_or_at_bounds_fall_into_the_range_that_begins_there() -> None:
    table = AttributeTable()
    amounts = (-1, 0, 1, 10_000, 50_000)
    table.upsert([(i, Product(id=str(i), price=Money("EUR", a))) for i, a in enumerate(amounts)])

    assert facet(table, "price", range(5)) == {"0..1": 1, "1..2": 1, "10000..": 2}


@pytest.mark.parametrize("column", ["colour", "attributes.", "group_id", ""])
def test_an_unknown_facet_is_refused_by_name(table: AttributeTable, column: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        facet(table, column)

    assert caught.value.reason == "UNKNOWN_FACET"
    assert repr(column) in caught.value.message
