"""What every store does with request ids: a repeat changes nothing and gets the first reply."""

import pytest

from relatum_server.domain import Event, EventType, Product
from relatum_server.errors import AbortedError, InvalidArgumentError
from relatum_server.store.base import ProductPut, Request, Store
from tests.unit.server.store.conftest import Clock

REQUEST = Request("UpsertProducts", "r1", b"body")


def put(product_id: str, etag: str = "e", **rest: object) -> ProductPut:
    return ProductPut(Product(id=product_id, etag=etag), **rest)  # type: ignore[arg-type]


def event(event_id: str) -> Event:
    return Event(event_id, EventType.VIEW, user="u")


def test_a_repeated_request_gets_the_first_reply_and_writes_nothing(store: Store) -> None:
    first = store.write_products([put("a", "e1")], request=REQUEST, reply=b"first")

    again = store.write_products([put("a", "e2")], request=REQUEST, reply=b"second")

    assert again.replayed == b"first"
    assert again.repeated
    assert not first.repeated
    assert again.revision == first.revision == store.revision()
    assert store.get_products(["a"])["a"].product.etag == "e1"
    assert store.replay(REQUEST) == b"first"


def test_a_repeat_whose_reply_was_never_kept_gets_the_first_outcome(store: Store) -> None:
    request = Request("WriteEvents", "r", b"h")
    store.write_events([event("1")])
    first = store.write_events([event("1"), event("2")], request=request)
    lost = store.replay(request)

    again = store.write_events([event("1"), event("2")], request=request)
    store.keep_reply(request, b"late")

    assert lost is None
    assert again.repeated
    assert again.replayed is None
    assert (again.revision, list(again.fresh)) == (first.revision, [False, True])
    assert store.replay(request) == b"late"
    assert store.write_events([event("3")], request=request).replayed == b"late"


def test_a_request_id_with_another_body_is_refused_everywhere(store: Store) -> None:
    store.write_products([put("a")], request=REQUEST, reply=b"r")
    other = Request(REQUEST.rpc, REQUEST.request_id, b"other body")

    for attempt in (
        lambda: store.write_products([put("b")], request=other),
        lambda: store.replay(other),
        lambda: store.keep_reply(other, b"x"),
    ):
        with pytest.raises(InvalidArgumentError) as caught:
            attempt()
        assert caught.value.reason == "REQUEST_ID_REUSED"

    assert store.get_products(["b"]) == {}


def test_a_request_id_is_of_one_rpc_and_of_one_day(store: Store, clock: Clock) -> None:
    store.write_products([put("a")], request=REQUEST, reply=b"r")
    namesake = Request("DeleteProducts", REQUEST.request_id, b"other")

    elsewhere = store.write_products([], ["a"], request=namesake, reply=b"s")
    clock.now += 24 * 3600 + 1
    tomorrow = store.write_products([put("b")], request=REQUEST, reply=b"t")

    assert not elsewhere.repeated
    assert not tomorrow.repeated
    assert store.replay(REQUEST) == b"t"
    assert store.replay(namesake) is None


def test_a_refused_write_does_not_use_up_its_request_id(store: Store) -> None:
    with pytest.raises(AbortedError):
        store.write_products([put("a", expected_etag="x")], request=REQUEST, reply=b"r")

    assert store.replay(REQUEST) is None
    assert not store.write_products([put("a")], request=REQUEST, reply=b"r").repeated
