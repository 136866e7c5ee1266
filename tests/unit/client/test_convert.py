"""Values to messages and back."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from relatum import convert, messages, requests
from relatum.types import Attribute, Event, Money, Product, Rating, Vector
from relatum.v1 import event_pb2, product_pb2

WHOLE = Product(
    id="p1",
    title="牛奶 milk",
    description="fresh",
    brand="Acme",
    categories=("Grocery > Dairy",),
    attributes={"fat": Attribute(("low",), (1.5,))},
    price=Money(Decimal("2.49"), "EUR"),
    availability="IN_STOCK",
    rating=Rating(4.5, 12),
    image_uris=("https://example.com/a.png",),
    language_code="zh",
    group_id="g",
    platform="web",
    vectors=(Vector("text", b"\x00\x3c", "enc"),),
    etag="e1",
)


def test_a_product_survives_the_way_to_a_message_and_back() -> None:
    assert convert.product(messages.product_message(WHOLE)) == WHOLE


def test_a_bare_product_has_no_price_rating_or_time() -> None:
    found = convert.product(product_pb2.Product(id="x"))

    assert (found.price, found.rating, found.update_time) == (None, None, None)


@pytest.mark.parametrize("amount", ["-1.25", "0.000000001", "0", "12345678901"])
def test_a_price_keeps_every_digit_and_its_sign(amount: str) -> None:
    product = Product(id="p", title="t", price=Money(Decimal(amount), "USD"))

    back = convert.product(messages.product_message(product)).price

    assert back == Money(Decimal(amount), "USD")


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "0.0000000001"])
def test_a_price_that_money_cannot_hold_is_refused(amount: str) -> None:
    with pytest.raises(ValueError, match="nine decimals"):
        messages.product_message(Product(id="p", price=Money(Decimal(amount))))


def test_an_event_becomes_a_message_with_its_presence() -> None:
    when = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)

    full = messages.event_message(
        Event(type="RATING", user_id="u", items=[("a", 2)], time=when, value=0.0)
    )
    bare = messages.event_message(Event(type="view"))

    assert full.type == event_pb2.EVENT_TYPE_RATING
    assert [(item.product_id, item.quantity) for item in full.items] == [("a", 2)]
    assert full.time.ToDatetime(tzinfo=UTC) == when
    assert full.HasField("value")
    assert not bare.HasField("value")
    assert not bare.HasField("time")


def test_an_unknown_event_type_is_refused_and_the_known_are_listed() -> None:
    with pytest.raises(ValueError, match=r"'BUY' is not one of VIEW, CART.*PURCHASE"):
        messages.event_message(Event(type="BUY"))


def test_a_stream_is_cut_by_count_and_by_bytes() -> None:
    small = [product_pb2.Product(id=str(n)) for n in range(600)]
    large = [product_pb2.Product(id=str(n), description="x" * 3_000_000) for n in range(3)]

    assert [len(batch) for batch in requests.batches(small)] == [256, 256, 88]
    assert [len(batch) for batch in requests.batches(large)] == [1, 1, 1]
    assert list(requests.batches([])) == []


def test_imported_events_get_ids_and_keep_those_they_have() -> None:
    given = [event_pb2.Event(id="mine"), event_pb2.Event()]

    sent = [event for message in requests.import_events(given) for event in message.events]

    assert sent[0].id == "mine"
    assert len(sent[1].id) == 32
    assert not given[1].id
