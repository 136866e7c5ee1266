"""Writes of the catalogue over loopback: what is kept, replayed, refused or guarded."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import grpc
import pytest

from relatum import Client
from relatum.errors import (
    AbortedError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
)
from relatum.types import Event, Money, OfferUpdate, Product
from relatum.v1 import catalog_service_pb2, catalog_service_pb2_grpc, product_pb2
from tests.bench.processes import serving


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("writes") / "data"


@pytest.fixture(scope="module")
def address(artifact: Path, data_dir: Path) -> Iterator[str]:
    with serving(artifact, data_dir) as address:
        yield address


@pytest.fixture
def client(address: str) -> Iterator[Client]:
    """A client of a server whose catalogue is empty."""
    with Client(address, timeout_s=20.0) as client:
        while page := client.list_products(page_size=100).products:
            client.delete_products([product.id for product in page])
        yield client


def cups(count: int) -> list[Product]:
    return [Product(id=f"cup-{n}", title=f"porcelain cup {n}") for n in range(count)]


def total(client: Client) -> int:
    return client.list_products(page_size=1).total_size


def test_a_product_comes_back_as_it_was_written(client):
    product = Product(
        id="p",
        title="cup",
        brand="Kiln",
        categories=["Kitchen > Cups"],
        language_code="en",
        platform="web",
        group_id="g",
    )
    etags = client.upsert_products([product]).etags

    read = client.get_product("p")

    assert read.etag == etags[0]
    assert read.update_time is not None
    assert (read.title, read.brand, tuple(read.categories)) == ("cup", "Kiln", ("Kitchen > Cups",))
    assert (read.language_code, read.platform, read.group_id) == ("en", "web", "g")


def test_a_product_that_does_not_exist_is_not_found(client):
    with pytest.raises(NotFoundError) as caught:
        client.get_product("nowhere")

    assert caught.value.reason == "PRODUCT_NOT_FOUND"


def test_products_are_listed_page_by_page_in_the_order_of_their_ids(client):
    client.upsert_products(cups(25))
    found: list[str] = []
    token = ""
    while True:
        page = client.list_products(page_size=10, page_token=token)
        found += [product.id for product in page.products]
        token = page.next_page_token
        if not token:
            break

    assert found == sorted(f"cup-{n}" for n in range(25))
    assert page.total_size == 25


def test_a_deleted_product_is_found_no_more_and_unknown_ids_are_reported(client):
    client.upsert_products(cups(2))

    deleted = client.delete_products(["cup-0", "nowhere"])

    assert deleted.deleted == 1
    assert deleted.missing_product_ids == ("nowhere",)
    found = client.search("porcelain cup", min_revision=deleted.revision)
    assert [result.product_id for result in found.results] == ["cup-1"]


def test_a_repeated_request_id_returns_the_first_reply_and_writes_nothing(client):
    first = client.upsert_products(cups(1), request_id="again")
    client.upsert_products([Product(id="cup-0", title="changed since")])

    second = client.upsert_products(cups(1), request_id="again")

    assert second == first
    assert client.get_product("cup-0").title == "changed since"


def test_a_request_id_with_another_body_is_refused(client):
    client.upsert_products(cups(1), request_id="taken")

    with pytest.raises(InvalidArgumentError) as caught:
        client.upsert_products(cups(2), request_id="taken")

    assert caught.value.reason == "REQUEST_ID_REUSED"
    assert total(client) == 1


def test_repeated_events_are_counted_once_by_request_id_and_by_id(client):
    event = Event(type="VIEW", user_id="repeater", id="e1", items=[("cup-0", 1)])
    first = client.write_events([event], request_id="events")

    replayed = client.write_events([event], request_id="events")
    again = client.write_events([event])

    assert replayed == first
    assert (again.written, again.duplicates) == (0, 1)
    profile = client.profile("repeater")
    assert profile is not None
    assert profile.event_count == 1


def test_a_write_with_a_stale_etag_is_aborted(client):
    stale = client.upsert_products(cups(1)).etags[0]
    fresh = client.upsert_products([Product(id="cup-0", title="second")]).etags[0]

    with pytest.raises(AbortedError) as caught:
        client.upsert_products([Product(id="cup-0", title="third", etag=stale)])
    assert caught.value.reason == "ETAG_MISMATCH"
    assert client.get_product("cup-0").title == "second"

    client.upsert_products([Product(id="cup-0", title="third", etag=fresh)])
    assert client.get_product("cup-0").title == "third"


def test_an_update_mask_changes_only_the_fields_it_names(client):
    client.upsert_products([Product(id="p", title="cup", brand="Kiln")])

    client.upsert_products([Product(id="p", title="mug", brand="Other")], update_mask=["title"])

    read = client.get_product("p")
    assert (read.title, read.brand) == ("mug", "Kiln")
    assert client.search("mug", page_size=1).results[0].product_id == "p"


def test_filters_see_an_observed_price_at_once_and_older_observations_are_stale(client):
    client.upsert_products([Product(id="a", title="cup"), Product(id="b", title="mug")])
    seen = datetime.now(UTC)

    def offer(product_id: str, price: int, seconds_ago: float = 0) -> OfferUpdate:
        money = Money(Decimal(price), "USD")
        return OfferUpdate(product_id, money, observe_time=seen - timedelta(seconds=seconds_ago))

    written = client.update_offers([offer("a", 3), offer("nothing", 1), offer("a", 9, 60)])

    assert written.outcomes == ("OK", "NOT_FOUND", "STALE")
    cheap = client.list_products(filter="price < 5", min_revision=written.revision).products
    assert [p.id for p in cheap] == ["a"]
    assert client.get_product("a").price == Money(Decimal(3), "USD")


def test_a_repeated_request_of_offers_returns_the_first_reply(client):
    client.upsert_products([Product(id="a", title="cup")])
    sold_out = OfferUpdate("a", availability="OUT_OF_STOCK")

    first = client.update_offers([sold_out], request_id="offers-1")
    client.update_offers([OfferUpdate("a", availability="IN_STOCK")])
    again = client.update_offers([sold_out], request_id="offers-1")

    assert again == first
    assert client.get_product("a").availability == "IN_STOCK"


def test_an_update_mask_over_an_unknown_product_is_not_found(client):
    with pytest.raises(NotFoundError):
        client.upsert_products([Product(id="nowhere", title="x")], update_mask=["title"])


def test_a_full_import_deletes_what_it_does_not_name(client):
    client.upsert_products(cups(10))

    done = client.import_products(cups(9), full=True)

    assert (done.received, done.written, done.deleted, done.failed) == (9, 9, 1, 0)
    assert total(client) == 9


def test_a_full_import_that_would_delete_over_a_fifth_is_refused_unless_forced(client):
    client.upsert_products(cups(10))

    with pytest.raises(FailedPreconditionError) as caught:
        client.import_products(cups(7), full=True)
    assert caught.value.reason == "TOO_MANY_DELETIONS"
    assert total(client) == 10

    assert client.import_products(cups(7), full=True, force_delete=True).deleted == 3
    assert total(client) == 7


def test_an_incremental_import_reports_bad_products_and_keeps_the_others(client):
    client.upsert_products(cups(1))

    done = client.import_products([Product(id="good", title="plate"), Product(id="bad")])

    assert (done.received, done.written, done.failed, done.deleted) == (2, 1, 1, 0)
    assert [(error.index, error.id) for error in done.errors] == [(1, "bad")]
    assert total(client) == 2


def test_a_full_import_whose_stream_the_caller_cancels_deletes_nothing(start):
    server = start("cancelled")
    address = server.wait_serving()
    end = threading.Event()

    def messages() -> Iterator[catalog_service_pb2.ImportProductsRequest]:
        yield catalog_service_pb2.ImportProductsRequest(
            options=catalog_service_pb2.ImportProductsOptions(
                mode=catalog_service_pb2.IMPORT_MODE_FULL, force_delete=True
            ),
            products=[product_pb2.Product(id="first", title="first of a stream")],
        )
        end.wait()

    with Client(address) as client, grpc.insecure_channel(address) as channel:
        client.upsert_products(cups(10))
        call = catalog_service_pb2_grpc.CatalogServiceStub(channel).ImportProducts.future(
            messages()
        )
        while total(client) < 11:
            assert not call.done()
        call.cancel()
        end.set()
    assert server.stop() == 0  # has ended every call that it accepted

    with Client(start("cancelled").wait_serving()) as client:
        assert total(client) == 11


def test_a_second_server_on_the_same_data_directory_is_refused(client, artifact, data_dir):
    line = [sys.executable, "-m", "relatum_server", "serve", "--artifact", str(artifact)]
    line += ["--data-dir", str(data_dir), "--listen", "127.0.0.1:0"]

    done = subprocess.run(line, check=False, capture_output=True, text=True, timeout=60)

    assert done.returncode == 2
    plain = [text for text in done.stderr.splitlines() if not text.startswith("{")]
    assert len(plain) == 1
    assert str(data_dir) in plain[0]
    assert client.info().product_count == 0
