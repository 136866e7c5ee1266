"""Servers that share one PostgreSQL: what one wrote, the others find; a lost one costs nothing."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from relatum import Client
from relatum.errors import FailedPreconditionError, RelatumError
from relatum.types import Event, Product
from tests.bench.processes import ServerProcess
from tests.conftest import skip_or_fail
from tests.e2e.conftest import products_of
from tests.postgres import PostgresServer, binaries

Start = Callable[..., ServerProcess]


@pytest.fixture
def postgres() -> Iterator[PostgresServer]:
    if binaries() is None:
        skip_or_fail("postgres", "there is no PostgreSQL on this machine")
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture
def replica(start: Start, postgres: PostgresServer, tmp_path: Path) -> Start:
    """`replica(name, *flags)`: a server process over the shared database."""

    def one(name: str, *flags: str, port: int = 0) -> ServerProcess:
        key = ("--user-key-file", str(tmp_path / "shop.key"))
        return start(name, port=port, flags=("--store", postgres.url, *key, *flags))

    return one


def test_what_one_server_wrote_the_others_find(replica: Start, shop) -> None:
    first = replica("one").wait_serving()
    second = replica("two").wait_serving()
    reading = replica("three", "--role", "reader").wait_serving()
    with Client(first) as one, Client(second) as two, Client(reading) as three:
        written = one.upsert_products(products_of(shop))
        for client in (two, three):
            found = client.search("black mouse", min_revision=written.revision)
            assert found.results[0].product_id == "mouse-black"
        seen = two.write_events([Event(type="PURCHASE", user_id="ann", items=[("mouse-red", 1)])])
        assert one.get_product("mouse-red", min_revision=seen.revision).id == "mouse-red"
        profile = one.profile("ann")
        assert profile is not None
        assert profile.event_count == 1
        repeated = two.delete_products(["pen-red"], request_id="r1")
        assert one.delete_products(["pen-red"], request_id="r1") == repeated
        with pytest.raises(FailedPreconditionError) as caught:
            three.upsert_products([Product(id="x", title="a cup")])
        assert caught.value.reason == "READ_ONLY"
        hits = three.search("red pen", min_revision=repeated.revision, page_size=5).results
        assert "pen-red" not in [result.product_id for result in hits]


def test_a_replica_that_is_killed_loses_nothing_and_catches_up(replica: Start, shop) -> None:
    first, second = replica("one"), replica("two")
    target = f"{first.wait_serving()},{second.wait_serving()}"
    acknowledged: list[str] = []
    failures: list[RelatumError] = []
    stop = threading.Event()

    def write() -> None:
        with Client(target, timeout_s=30.0) as client:
            while not stop.is_set():
                name = f"p{len(acknowledged)}"
                try:
                    client.upsert_products([Product(id=name, title=f"steel ladder {name}")])
                except RelatumError as error:
                    failures.append(error)
                    return
                acknowledged.append(name)

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    _wait_for(lambda: len(acknowledged) >= 20 or failures)
    second.stop(signal.SIGKILL)
    killed_at = len(acknowledged)
    _wait_for(lambda: len(acknowledged) >= killed_at + 20 or failures)
    again = replica("two").wait_serving()
    stop.set()
    writer.join()

    assert not failures
    for address in (target.split(",", maxsplit=1)[0], again):
        with Client(address) as client:
            assert [i for i in acknowledged if client.get_product(i).id != i] == []


def test_a_database_that_goes_away_is_reported_and_comes_back(
    replica: Start, postgres: PostgresServer, shop
) -> None:
    with Client(replica("one").wait_serving(), timeout_s=10.0) as client:
        client.upsert_products(products_of(shop))
        postgres.stop("immediate")
        with pytest.raises(RelatumError) as caught:
            client.upsert_products([Product(id="x", title="a cup")])
        found = client.search("black mouse", page_size=1)  # from the indexes
        postgres.start()
        written = client.upsert_products([Product(id="y", title="a cup")])
        seen = client.search("cup", min_revision=written.revision, page_size=1)

    assert caught.value.code == "UNAVAILABLE"
    assert found.results[0].product_id == "mouse-black"
    assert seen.results[0].product_id == "y"


def _wait_for(done: Callable[[], object]) -> None:
    while not done():
        time.sleep(0.01)
