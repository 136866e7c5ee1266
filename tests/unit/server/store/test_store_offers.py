"""What every store does with observed offers."""

from relatum_server.domain import (
    Availability,
    Money,
    OfferOutcome,
    OfferTimes,
    OfferUpdate,
    Product,
    Rating,
)
from relatum_server.store.base import ProductPut, Request, Store


def put(product_id: str) -> ProductPut:
    return ProductPut(Product(id=product_id, etag="e"))


PRICE = Money("USD", 3)


def offer(product_id: str, at: int, **observed: object) -> OfferUpdate:
    return OfferUpdate(product_id, observe_time_us=at, **observed)  # type: ignore[arg-type]


def test_each_field_of_an_offer_keeps_its_newest_observation(store: Store) -> None:
    key = store.write_products([put("a")]).keys[0]

    written = store.update_offers(
        [
            offer("a", 50, price=PRICE, availability=Availability.IN_STOCK),
            offer("b", 50, price=PRICE),
            offer("a", 40, price=Money("USD", 9), rating=Rating(4.0, 2)),
            offer("a", 30, availability=Availability.OUT_OF_STOCK),
            offer("a", 60, availability=Availability.BACKORDER),
            offer("a", 60, availability=Availability.PREORDER),
        ]
    )

    ok, stale, unknown = OfferOutcome.OK, OfferOutcome.STALE, OfferOutcome.NOT_FOUND
    assert list(written.outcomes) == [ok, unknown, ok, stale, ok, ok]
    assert (written.revision, list(written.keys)) == (2, [key])
    product = store.get_products(["a"])["a"].product
    assert (product.price, product.rating) == (PRICE, Rating(4.0, 2))
    assert product.availability is Availability.PREORDER
    assert product.offer_times == OfferTimes(50, 60, 40)
    assert product.etag != "e"
    assert [(c.kind, list(c.keys)) for c in store.changes(1, 9)] == [("offers", [key])]


def test_offers_that_change_nothing_take_no_revision(store: Store) -> None:
    seen = Product(id="a", etag="e", offer_times=OfferTimes(9, 9, 9))
    store.write_products([ProductPut(seen)])

    written = store.update_offers([offer("a", 8, price=PRICE), offer("b", 10, price=PRICE)])

    assert list(written.outcomes) == [OfferOutcome.STALE, OfferOutcome.NOT_FOUND]
    assert (written.revision, list(written.keys)) == (1, [])
    assert store.get_products(["a"])["a"].product.price is None


def test_a_repeat_of_offers_writes_nothing_and_returns_the_first_outcome(store: Store) -> None:
    store.write_products([put("a")])
    request = Request("UpdateOffers", "r1", b"body")

    first = store.update_offers([offer("a", 5, price=PRICE)], request=request)
    store.update_offers([offer("a", 6, price=Money("USD", 4))])
    again = store.update_offers([offer("a", 5, price=PRICE)], request=request)

    assert (again.repeated, again.revision) == (True, first.revision)
    assert list(again.outcomes) == [OfferOutcome.OK]
    assert store.get_products(["a"])["a"].product.price == Money("USD", 4)


def test_the_vector_of_a_product_stays_when_its_offer_changes(store: Store) -> None:
    key = store.write_products(
        [ProductPut(Product(id="a", etag="e"), text_vector=b"v" * 4, encoder_id="enc")]
    ).keys[0]

    store.update_offers([offer("a", 5, price=PRICE)])

    assert store.get_vectors([key], "enc") == {key: b"v" * 4}
