"""The client over a wire: values, errors, retries, deadlines, streams."""

import threading
from typing import Any

import grpc
import pytest
from google.rpc import code_pb2

from relatum import AsyncClient, Client, channel, errors
from relatum.pairs import Text
from relatum.types import Event, Evidence, OfferUpdate, Product
from relatum.v1 import (
    association_service_pb2,
    catalog_service_pb2,
    result_pb2,
    search_service_pb2,
)


def canned(_request: Any, _context: Any) -> search_service_pb2.SearchResponse:
    line = result_pb2.Result(product_id="p1", score=0.5)
    line.product.id = "p1"
    line.evidence.add(kind="EVIDENCE_KIND_TEXT", contribution=0.5)
    reply = search_service_pb2.SearchResponse(results=[line], revision=7)
    reply.next_page_token = "t"  # noqa: S105
    reply.facets.add(column="brand").values.add(value="Acme", count=3)
    return reply


def test_a_search_sends_its_arguments_and_returns_values(server) -> None:
    server.answers["Search"] = canned

    with Client(server.target) as client:
        found = client.search("milk", page_size=5, read_mask=("title",), user_id="u", filter="a=1")

    sent = server.requests["Search"][0]
    assert (sent.query, sent.page_size, sent.user_id, sent.filter) == ("milk", 5, "u", "a=1")
    assert list(sent.read_mask.paths) == ["title"]
    assert found.results[0].evidence == (Evidence("TEXT", 0.5),)
    assert (found.revision, found.next_page_token) == (7, "t")
    assert found.facets[0].values[0].count == 3


def scored(_request: Any, _context: Any) -> association_service_pb2.ScoreAssociationsResponse:
    reply = association_service_pb2.ScoreAssociationsResponse(revision=7)
    reply.missing_product_ids.append("b")
    score = reply.scores.add()
    score.probabilities.add(association="ASSOCIATION_CLASS_SUBSTITUTE", probability=0.75)
    score.probabilities.add(association="ASSOCIATION_CLASS_UNRELATED", probability=0.25)
    score.evidence.add(kind="EVIDENCE_KIND_CATEGORY", contribution=-1.0)
    return reply


def test_pairs_of_products_and_texts_come_back_with_probabilities(server) -> None:
    server.answers["ScoreAssociations"] = scored

    with Client(server.target) as client:
        found = client.score([("a", "b"), (Text("milk"), "b")], min_revision=3)

    sent = server.requests["ScoreAssociations"][0]
    assert [pair.a.WhichOneof("side") for pair in sent.pairs] == ["product_id", "text"]
    assert (sent.pairs[1].a.text, sent.min_revision) == ("milk", 3)
    assert list(found.scores[0].probabilities.items()) == [
        ("SUBSTITUTE", 0.75),
        ("UNRELATED", 0.25),
    ]
    assert found.scores[0].evidence == (Evidence("CATEGORY", -1.0),)
    assert (found.revision, found.missing_product_ids) == (7, ("b",))


def test_every_call_of_the_client_reaches_its_rpc(server) -> None:
    with Client(server.target) as client:
        client.search("a")
        client.complete("a")
        client.related(product_id="a")
        client.score([("a", Text("b"))])
        client.recommend("a", session_events=[Event(type="VIEW")])
        assert client.profile("a") is None
        client.write_events([Event(type="VIEW")])
        client.import_events([Event(type="VIEW")])
        client.upsert_products([Product(id="a", title="b")])
        client.import_products([Product(id="a", title="b")])
        client.get_product("a")
        client.list_products()
        client.delete_products(["a"])
        client.update_offers([OfferUpdate("a", availability="IN_STOCK")])
        client.embed(["a"], packed=True)
        client.info()

    assert set(server.requests) == {method.name for method in channel.methods()}


def test_a_rich_error_becomes_a_typed_exception(server, invalid) -> None:
    server.answers["Search"] = invalid

    with Client(server.target) as client, pytest.raises(errors.InvalidArgumentError) as caught:
        client.search("milk", page_size=-1)

    assert (caught.value.code, caught.value.reason) == ("INVALID_ARGUMENT", "BAD_PAGE_SIZE")
    assert caught.value.violations[0].field == "page_size"


@pytest.mark.parametrize("code", sorted(set(errors.ERRORS) - {"UNAVAILABLE", "CANCELLED"}))
def test_each_status_has_its_exception(server, make_failing, code: str) -> None:
    server.answers["GetServerInfo"] = make_failing(
        code_pb2.Code.Value(code), "no", "R", retry_s=1.5
    )

    with Client(server.target) as client, pytest.raises(errors.RelatumError) as caught:
        client.info()

    assert type(caught.value) is errors.ERRORS[code]
    assert caught.value.retry_after_s == 1.5


def test_an_unavailable_write_is_retried_with_one_request_id(server) -> None:
    def flaky(_request: Any, context: grpc.ServicerContext) -> Any:
        if len(server.requests["UpsertProducts"]) < 3:
            context.abort(grpc.StatusCode.UNAVAILABLE, "draining")
        return catalog_service_pb2.UpsertProductsResponse(revision=1)

    server.answers["UpsertProducts"] = flaky

    with Client(server.target) as client:
        done = client.upsert_products([Product(id="a", title="b")])

    assert done.revision == 1
    ids = [request.request_id for request in server.requests["UpsertProducts"]]
    assert len(ids) == 3
    assert len(set(ids)) == 1


def test_calls_go_on_when_one_of_two_servers_stops(make_server) -> None:
    first, second = make_server(), make_server()

    with Client(f"{first.target},{second.target}") as client:
        while not (first.requests and second.requests):
            client.info()
        first.stop()
        before = len(second.requests["GetServerInfo"])
        for _ in range(20):
            client.info()

    assert len(second.requests["GetServerInfo"]) >= before + 20


def test_a_server_that_reports_not_serving_gets_no_calls(make_server) -> None:
    draining, healthy = make_server(), make_server()
    draining.drain()

    with Client(f"{draining.target},{healthy.target}") as client:
        for _ in range(20):
            client.info()

    assert not draining.requests
    assert len(healthy.requests["GetServerInfo"]) == 20


def test_a_call_ends_at_its_deadline(server) -> None:
    release = threading.Event()

    def held(request: Any, context: Any) -> Any:
        release.wait()
        return canned(request, context)

    server.answers["Search"] = held

    with Client(server.target) as client, pytest.raises(errors.DeadlineExceededError):
        client.search("milk", timeout_s=0.05)
    release.set()


def test_nobody_listening_is_unavailable(server) -> None:
    server.stop()

    with Client(server.target) as client, pytest.raises(errors.UnavailableError):
        client.info()


def test_an_error_of_the_iterable_ends_the_import_and_reaches_the_caller(server) -> None:
    def products():
        yield Product(id="a", title="b")
        raise KeyError("broken source")

    with Client(server.target) as client, pytest.raises(KeyError, match="broken source"):
        client.import_products(products(), full=True)


def test_an_import_sends_its_options_first_and_batches_of_256(server) -> None:
    with Client(server.target) as client:
        client.import_products((Product(id=str(n), title="t") for n in range(300)), full=True)

    head, *rest = server.requests["ImportProducts"][0]
    assert head.options.mode == catalog_service_pb2.IMPORT_MODE_FULL
    assert [len(message.products) for message in rest] == [256, 44]


def test_arguments_that_are_no_request_are_refused_before_the_wire(server) -> None:
    with Client(server.target) as client:
        with pytest.raises(ValueError, match="exactly one"):
            client.related(product_id="a", text="b")
        with pytest.raises(ValueError, match="SIMILAR, COMPLEMENT"):
            client.related(product_id="a", relation="FRIEND")

    assert not server.requests


async def test_the_asyncio_client_searches_and_imports(server) -> None:
    server.answers["Search"] = canned

    async with AsyncClient(server.target) as client:
        found = await client.search("milk")
        await client.import_events(Event(type="VIEW") for _ in range(300))

    assert found.results[0].product_id == "p1"
    assert [len(m.events) for m in server.requests["ImportEvents"][0]] == [256, 44]


async def test_the_asyncio_client_raises_the_same_errors(server, invalid) -> None:
    server.answers["Search"] = invalid

    def broken():
        yield Event(type="VIEW")
        raise KeyError("broken source")

    async with AsyncClient(server.target) as client:
        with pytest.raises(errors.InvalidArgumentError):
            await client.search("milk")
        with pytest.raises(KeyError, match="broken source"):
            await client.import_events(broken())
