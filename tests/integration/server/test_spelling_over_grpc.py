"""Both clients search for misspelt words over a wire, in a shop of real services."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from relatum import AsyncClient, Client
from relatum.v1 import search_service_pb2
from relatum_server.domain import Product
from relatum_server.rpc.admission import Admission, HandlerPool
from relatum_server.rpc.endpoint import Deadlines, ServiceHandler
from relatum_server.rpc.search import SearchServicer
from tests.unit.server.services.conftest import build_shop

SERVICE = search_service_pb2.DESCRIPTOR.services_by_name["SearchService"]


@pytest.fixture
def target(tmp_path: Path) -> Iterator[str]:
    """The address of a shop that sells cheese and wheat bread."""
    shop = build_shop(tmp_path)
    shop.add(Product("c", "cream cheese"), Product("b", "wheat bread"))
    pool = HandlerPool(2)
    servicer = SearchServicer(shop.search, shop.completion)
    server = grpc.server(pool, options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers(
        (ServiceHandler(SERVICE, servicer, Admission(pool, 2), Deadlines(30.0, 60.0)),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None).wait()
    pool.shutdown()
    shop.live.close()


def test_the_reply_says_what_was_searched_for_unless_words_are_taken_as_typed(target):
    with Client(target) as client:
        meant = client.search("chese", disable_semantic=True)
        typed = client.search("chese", disable_semantic=True, disable_spelling_correction=True)
        known = client.search("cheese", disable_semantic=True)

    assert ([line.product_id for line in meant.results], meant.corrected_query) == (["c"], "cheese")
    assert (typed.results, typed.corrected_query) == ((), "")
    assert ([line.product_id for line in known.results], known.corrected_query) == (["c"], "")


async def test_the_asyncio_client_asks_and_is_told_the_same(target):
    async with AsyncClient(target) as client:
        meant = await client.search("chese", disable_semantic=True)
        typed = await client.search(
            "chese", disable_semantic=True, disable_spelling_correction=True
        )

    assert ([line.product_id for line in meant.results], meant.corrected_query) == (["c"], "cheese")
    assert (typed.results, typed.corrected_query) == ((), "")


def test_words_are_corrected_without_the_lexical_leg_and_among_filtered_candidates_too(target):
    with Client(target) as client:
        semantic = client.search("chese", disable_lexical=True)
        among = client.search("chese", candidate_ids=("b", "x"), filter='brand = ""')

    assert semantic.corrected_query == among.corrected_query == "cheese"
    assert semantic.results[0].product_id == "c"
    assert "c" not in {line.product_id for line in among.results}
    assert among.missing_product_ids == ("x",)


@pytest.mark.parametrize("query", ["?! -- '", "无线鼠", "chese2", "ches", " ".join(["chese"] * 33)])
def test_what_has_no_word_to_correct_is_searched_for_as_it_is(target, query):
    with Client(target) as client:
        assert client.search(query).corrected_query == ""
