"""Requests at the edges of what is allowed: coerced, refused in part, or cut off."""

import math
import time
from collections.abc import Callable

import grpc
import pytest
from google.protobuf.message import Message

from relatum.errors import from_rpc_error
from relatum.v1 import catalog_service_pb2, product_pb2, recommendation_service_pb2
from tests.e2e.raw_requests import (
    MIB,
    embed,
    event,
    events,
    get,
    many,
    product,
    recommend,
    related,
    search,
    send,
    still_answers,
    upsert,
)


@pytest.fixture(scope="module")
def large_catalogue(channel: grpc.Channel) -> None:
    """More products than the largest page holds, each bought once."""
    ids = many(120)
    send(channel, "UpsertProducts", upsert(*(product(id=i, title=f"spare part {i}") for i in ids)))
    bought = (event(type="EVENT_TYPE_PURCHASE", items=[{"product_id": i}]) for i in ids)
    assert send(channel, "WriteEvents", events(*bought)).written == len(ids)


@pytest.mark.parametrize("method", ["Search", "ListRelated", "Recommend"])
@pytest.mark.parametrize(("size", "expected"), [(0, 20), (7, 7), (2**31 - 1, 100)])
@pytest.mark.usefixtures("large_catalogue")
def test_a_page_size_of_0_means_20_and_a_huge_one_is_coerced(channel, method, size, expected):
    requests: dict[str, Callable[[], Message]] = {
        "Search": lambda: search("office", page_size=size),
        "ListRelated": lambda: related(text="office", page_size=size),
        "Recommend": lambda: recommend(page_size=size),
    }

    reply = send(channel, method, requests[method]())

    assert len(reply.results) == expected


def test_a_token_of_another_request_or_call_is_refused(channel):
    token = send(channel, "Search", search("office", page_size=3)).next_page_token
    changed = token[:30] + ("A" if token[30] != "A" else "B") + token[31:]
    for method, request in (
        ("Search", search("pen", page_size=3, page_token=token)),
        ("Search", search("office", page_size=3, page_token=changed)),
        ("Recommend", recommend(page_token=token)),
        ("ListRelated", related(text="office", page_token=token)),
        ("ListProducts", catalog_service_pb2.ListProductsRequest(page_token=token)),
    ):
        with pytest.raises(grpc.RpcError) as caught:
            send(channel, method, request)
        assert from_rpc_error(caught.value).reason == "INVALID_PAGE_TOKEN"


def test_an_expired_deadline_is_answered_as_such(channel):
    with pytest.raises(grpc.RpcError) as caught:
        send(
            channel, "EmbedTexts", embed(*(f"text {n} " * 200 for n in range(64))), timeout_s=0.001
        )

    assert from_rpc_error(caught.value).code == "DEADLINE_EXCEEDED"
    assert still_answers(channel)


def test_a_message_above_8_mib_is_resource_exhausted(channel):
    with pytest.raises(grpc.RpcError) as caught:
        send(channel, "EmbedTexts", b"\x0a\x81\x80\x80\x04" + b"x" * (8 * MIB + 1))

    assert from_rpc_error(caught.value).code == "RESOURCE_EXHAUSTED"
    assert still_answers(channel)


def test_a_product_without_words_is_kept_and_reported_without_a_text_vector(channel):
    bare = product(id="bare", title="", attributes={"size": product_pb2.Attribute(numbers=[4])})

    reply = send(channel, "UpsertProducts", upsert(bare, product(id="worded")))

    assert reply.without_text_vector == ["bare"]
    assert send(channel, "GetProduct", get("bare")).product.id == "bare"
    gone = catalog_service_pb2.DeleteProductsRequest(product_ids=["bare", "worded"])
    assert send(channel, "DeleteProducts", gone).deleted == 2


def test_a_refused_batch_writes_none_of_its_products(channel):
    with pytest.raises(grpc.RpcError):
        send(channel, "UpsertProducts", upsert(product(id="good"), product(id="bad", title="")))

    with pytest.raises(grpc.RpcError) as caught:
        send(channel, "GetProduct", get("good"))
    assert from_rpc_error(caught.value).reason == "PRODUCT_NOT_FOUND"


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (event(type=99), "type"),
        (event(type=0), "type"),
        (event(items=[{"product_id": "pen-red", "quantity": -1}]), "quantity"),
        (event(items=[{"product_id": "pen-red", "quantity": 2_000_000}]), "quantity"),
        (event(items=[{"product_id": ""}]), "product_id"),
        (event(value=math.nan), "value"),
        (event(value=math.inf), "value"),
        (event(type="EVENT_TYPE_RATING", value=6.0), "value"),
        (event(type="EVENT_TYPE_SEARCH"), "query"),
        (event(user_id="x" * 257), "user_id"),
        (event(time={"seconds": 2**40}), "time"),
        (event(time={"seconds": int(time.time()) + 600}), "time"),
    ],
    ids=str,
)
def test_a_bad_event_is_refused_alone(channel, bad, field):
    reply = send(channel, "WriteEvents", events(event(), bad, event()))

    assert reply.written == 2
    assert [error.index for error in reply.errors] == [1]
    assert f"events[1].{field}" in reply.errors[0].status.message or field in (
        reply.errors[0].status.message
    )
    assert still_answers(channel)


def test_an_event_a_minute_ahead_is_set_to_now(channel):
    ahead = int(time.time()) + 60
    send(channel, "WriteEvents", events(event(user_id="fast clock", time={"seconds": ahead})))

    profile = send(
        channel, "GetProfile", recommendation_service_pb2.GetProfileRequest(user_id="fast clock")
    ).profile

    assert profile.event_count == 1
    assert 0 < profile.last_event_time.seconds < ahead


def test_an_event_of_an_unknown_product_is_kept_and_reported(channel):
    reply = send(
        channel,
        "WriteEvents",
        events(event(user_id="early", items=[{"product_id": "pen-red"}, {"product_id": "later"}])),
    )

    assert (reply.written, list(reply.missing_product_ids)) == (1, ["later"])
    profile = send(
        channel, "GetProfile", recommendation_service_pb2.GetProfileRequest(user_id="early")
    ).profile
    assert profile.event_count == 1


def test_an_unknown_method_is_unimplemented(channel):
    call = channel.unary_unary("/relatum.v1.SearchService/Nothing")

    with pytest.raises(grpc.RpcError) as caught:
        call(b"", timeout=5)

    assert from_rpc_error(caught.value).code == "UNIMPLEMENTED"
