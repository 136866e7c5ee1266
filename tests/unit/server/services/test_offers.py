"""UpdateOffers: filters see what was observed, and no text is encoded again."""

import pytest

from relatum_server.domain import (
    Availability,
    Money,
    OfferOutcome,
    OfferUpdate,
    Product,
    ProductWrite,
    Rating,
)
from relatum_server.errors import InvalidArgumentError
from relatum_server.services.catalog import Replay
from relatum_server.store.base import Request
from tests.unit.server.services.conftest import NOW_US

SECOND_US = 1_000_000


def write(product_id, title="milk", **fields):
    return ProductWrite(Product(product_id, title, **fields))


def price(product_id, units, at=0):
    return OfferUpdate(product_id, price=Money("USD", units), observe_time_us=at)


def listed(shop, filter_text):
    return [p.id for p in shop.catalog.list(filter_text=filter_text).products]


def test_filters_see_an_offer_at_once_and_nothing_is_encoded(shop):
    shop.catalog.upsert([write("a", price=Money("USD", 10)), write("b", "bread")])
    encoded = list(shop.encoder.encoded)
    later = NOW_US + SECOND_US

    done = shop.offers.update([price("a", 3, later), price("b", 30, later)])

    assert list(done.outcomes) == [OfferOutcome.OK] * 2
    assert listed(shop, "price < 5") == ["a"]
    assert listed(shop, "price > 5") == ["b"]
    assert shop.encoder.encoded == encoded
    assert shop.live.revision == done.revision
    assert shop.catalog.get("a", min_revision=done.revision)[0].price == Money("USD", 3)


def test_a_restart_shows_the_same(shop):
    shop.catalog.upsert([write("a")])
    shop.offers.update(
        [OfferUpdate("a", availability=Availability.OUT_OF_STOCK, rating=Rating(4.5, 2))]
    )

    again = shop.restarted()

    assert listed(again, 'availability = "OUT_OF_STOCK" AND rating > 4') == ["a"]


def test_an_upsert_observes_the_offer_and_a_mask_what_it_names(shop):
    shop.catalog.upsert([write("a", price=Money("USD", 10))])

    (old,) = shop.offers.update([price("a", 3, NOW_US - SECOND_US)]).outcomes
    shop.catalog.upsert([write("a", "cheese")], update_mask=["title"])
    times = shop.catalog.get("a")[0].offer_times
    (new,) = shop.offers.update([price("a", 4, NOW_US)]).outcomes

    assert (old, new) == (OfferOutcome.STALE, OfferOutcome.OK)
    assert times.price_us == NOW_US
    assert shop.catalog.get("a")[0].price == Money("USD", 4)
    assert shop.catalog.get("a")[0].title == "cheese"


def test_an_unknown_product_is_reported_and_the_others_are_written(shop):
    shop.catalog.upsert([write("a")])

    done = shop.offers.update([price("x", 1), price("a", 1)])

    assert list(done.outcomes) == [OfferOutcome.NOT_FOUND, OfferOutcome.OK]


def test_what_is_a_little_ahead_is_set_to_now(shop):
    shop.catalog.upsert([write("a")])

    shop.offers.update([price("a", 1, NOW_US + 200 * SECOND_US)])

    assert shop.catalog.get("a")[0].offer_times.price_us == NOW_US


def test_a_repeat_of_the_request_gets_the_first_reply(shop):
    shop.catalog.upsert([write("a")])
    request = Request("UpdateOffers", "r", b"hash")

    first = shop.offers.update([price("a", 1)], request=request, serialise=lambda _: b"first")
    again = shop.offers.update([price("a", 1)], request=request, serialise=lambda _: b"second")

    assert list(first.outcomes) == [OfferOutcome.OK]
    assert again == Replay(b"first")


@pytest.mark.parametrize(
    ("update", "field"),
    [
        (OfferUpdate("a"), "updates[1]"),
        (price("", 1), "updates[1].product_id"),
        (price("a" * 200, 1), "updates[1].product_id"),
        (price("a", -1), "updates[1].price.units"),
        (OfferUpdate("a", price=Money("dollar", 1)), "updates[1].price.currency_code"),
        (OfferUpdate("a", price=Money("USD", 1, 10**9)), "updates[1].price.nanos"),
        (OfferUpdate("a", rating=Rating(6.0)), "updates[1].rating.average"),
        (OfferUpdate("a", rating=Rating(float("nan"))), "updates[1].rating.average"),
        (OfferUpdate("a", rating=Rating(1.0, -1)), "updates[1].rating.count"),
        (price("a", 1, NOW_US + 301 * SECOND_US), "updates[1].observe_time"),
    ],
)
def test_one_bad_update_and_none_is_written(shop, update, field):
    shop.catalog.upsert([write("a")])
    before = shop.live.revision

    with pytest.raises(InvalidArgumentError) as caught:
        shop.offers.update([price("a", 1), update])

    assert caught.value.violations[0].field == field
    assert shop.live.revision == before
    assert shop.catalog.get("a")[0].price is None


@pytest.mark.parametrize("count", [0, 1001])
def test_none_or_too_many_are_refused(shop, count):
    with pytest.raises(InvalidArgumentError, match="1 to 1000"):
        shop.offers.update([price("a", 1)] * count)
