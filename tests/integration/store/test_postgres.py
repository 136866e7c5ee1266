"""What only PostgreSQL can do wrong: several servers, a server that goes away, another history."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from relatum_server.domain import Event, EventType, Product, StoredProduct
from relatum_server.errors import AbortedError, StoreError, UnavailableError
from relatum_server.store import chain
from relatum_server.store.base import ProductPut, Request, Store
from relatum_server.store.postgres import schema, transaction
from relatum_server.store.postgres.connection import connect
from relatum_server.store.postgres.log import PostgresLog
from relatum_server.store.postgres.store import PostgresStore, open_postgres
from tests.integration.store.conftest import KEY_CHECK
from tests.postgres import PostgresServer

Open = Callable[..., PostgresStore]
WAIT_S = 60.0


def put(product_id: str, etag: str = "e", **rest: object) -> ProductPut:
    return ProductPut(Product(id=product_id, etag=etag), **rest)  # type: ignore[arg-type]


def test_a_commit_that_comes_late_is_never_skipped(url: str, open_store: Open) -> None:
    store = open_store()
    seen: list[int] = []
    with connect(url) as late:
        late.execute("BEGIN")
        late.execute(schema.LOCK)
        transaction.write_products(late, [put("late")], [])
        writer = threading.Thread(target=store.write_products, args=([put("early")],), daemon=True)
        writer.start()
        writer.join(0.3)
        waits = writer.is_alive()
        seen += [change.revision for change in store.changes(0, 9)]
        late.execute("COMMIT")
    writer.join(WAIT_S)
    seen += [change.revision for change in store.changes(max(seen, default=0), 9)]

    assert waits  # the later one did not get a revision that a reader could see first
    assert seen == [1, 2]
    assert {s.product.id: s.key for s in store.scan_products()} == {"late": 1, "early": 2}


def test_servers_that_write_together_make_one_chained_log(url: str, open_store: Open) -> None:
    stores = [open_store("one"), open_store("two")]

    def write(store: Store, name: str) -> None:
        for i in range(60):
            store.write_products([put(f"{name}{i}"), put(f"shared{i % 7}")])
            store.write_events([Event(f"{name}{i}", EventType.VIEW, user="u")])

    writers = [
        threading.Thread(target=write, args=(store, f"{n}{t}"), daemon=True)
        for n, store in enumerate(stores)
        for t in range(2)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(WAIT_S)

    assert [c.revision for c in stores[0].changes(0, 999)] == list(range(1, 481))
    assert stores[1].product_count() == 240 + 7
    with connect(url) as connection:
        assert chain.verify(PostgresLog(connection)).revision == 480
    assert len(stores[0].user_events("u", 999)) == 240


def test_request_ids_and_etags_hold_on_every_server(open_store: Open) -> None:
    one, two = open_store("one"), open_store("two")
    request = Request("UpsertProducts", "r1", b"body")

    one.write_products([put("a", "e1")], request=request, reply=b"first")
    again = two.write_products([put("a", "e2")], request=request)
    with pytest.raises(AbortedError):
        two.write_products([put("a", "e3", expected_etag="e0")])
    two.write_products([put("a", "e3", expected_etag="e1")])

    assert again.replayed == b"first"
    assert one.get_products(["a"])["a"].product.etag == "e3"


def test_what_is_written_again_uses_up_no_key(open_store: Open) -> None:
    store = open_store()
    for _ in range(5):
        store.write_products([put("a"), put("b")])

    assert store.write_products([put("c")]).keys == (3,)


def test_a_server_that_goes_away_and_comes_back_costs_errors_and_no_write(
    postgres: PostgresServer, open_store: Open
) -> None:
    store = open_store()
    store.write_products([put("before")])
    postgres.stop("immediate")
    try:
        with pytest.raises(UnavailableError, match="retry later"):
            store.write_products([put("lost")])
        with pytest.raises(UnavailableError, match="retry later"):
            store.get_products(["before"])
    finally:
        postgres.start()

    assert store.write_products([put("after")]).revision == 2
    assert _when_back(lambda: store.get_products(["before", "lost", "after"])).keys() == {
        "before",
        "after",
    }


def _when_back(read: Callable[[], dict[str, StoredProduct]]) -> dict[str, StoredProduct]:
    """What a read answers once the pool has connections again."""
    end = time.monotonic() + WAIT_S
    while True:
        try:
            return read()
        except UnavailableError:
            if time.monotonic() > end:
                raise


def test_a_killed_server_loses_nothing_that_was_acknowledged(
    postgres: PostgresServer, open_store: Open
) -> None:
    store = open_store()
    acknowledged: list[str] = []

    def write() -> None:
        for i in range(100_000):
            try:
                store.write_products([put(f"p{i}")])
            except UnavailableError:
                return
            acknowledged.append(f"p{i}")

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    while len(acknowledged) < 50:
        assert writer.is_alive()
        writer.join(0.01)
    postgres.kill()
    writer.join(WAIT_S)
    postgres.start()

    found = _when_back(lambda: store.get_products(acknowledged))

    assert len(found) == len(acknowledged) >= 50


def test_a_server_that_is_down_at_the_start_is_named_without_its_password(tmp_path: Path) -> None:
    url = "postgresql://shop:secret@127.0.0.1:1/db"

    with pytest.raises(UnavailableError, match=r"127\.0\.0\.1/db cannot be reached") as caught:
        open_postgres(url, tmp_path, KEY_CHECK)

    assert "secret" not in caught.value.message


def test_a_server_that_is_too_old_is_refused(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relatum_server.store.postgres.connection.LEAST_VERSION", 990_000)

    with pytest.raises(StoreError, match="too old"):
        open_postgres(url, tmp_path, KEY_CHECK)


def test_another_shopper_key_is_refused(url: str, open_store: Open, tmp_path: Path) -> None:
    open_store().close()

    with pytest.raises(StoreError, match="another shopper key"):
        open_postgres(url, tmp_path, b"x" * 32)


@pytest.mark.parametrize(
    ("harm", "cause"),
    [
        ("DELETE FROM change_log WHERE revision = 2", "ends at revision 1"),
        ("UPDATE change_log SET link = '\\x00' WHERE revision = 2", "another history"),
        ("UPDATE change_log SET payload = '\\x00' WHERE revision = 1", "damaged at revision 1"),
        ("UPDATE migrations SET checksum = '\\x00'", "another step 1"),
        ("INSERT INTO migrations VALUES (99, 0, '\\x00')", "start the newer relatum"),
        ("DROP TABLE migrations", "another program"),
    ],
)
def test_a_database_that_is_not_what_it_was_is_refused(
    url: str, open_store: Open, harm: str, cause: str
) -> None:
    store = open_store()
    store.write_products([put("a")])
    store.write_products([put("b")])
    store.close()
    with connect(url) as connection:
        connection.execute(harm.encode())

    with pytest.raises(StoreError, match=cause):
        open_store()


def test_servers_that_start_together_make_the_tables_once(url: str, tmp_path: Path) -> None:
    stores: list[PostgresStore] = []

    def start(n: int) -> None:
        folder = tmp_path / str(n)
        folder.mkdir()
        stores.append(open_postgres(url, folder, KEY_CHECK))

    starts = [threading.Thread(target=start, args=(n,), daemon=True) for n in range(4)]
    for one in starts:
        one.start()
    for one in starts:
        one.join(WAIT_S)

    assert len(stores) == 4
    for store in stores:
        store.write_products([put("a")])
        store.close()
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT number FROM migrations").fetchall()
    assert len(rows) == len(schema.MIGRATIONS)


def test_who_holds_the_lock_for_too_long_is_ended_and_the_others_go_on(
    url: str, open_store: Open
) -> None:
    store = open_store()
    with connect(url) as holder:
        holder.execute("SET idle_in_transaction_session_timeout = '600ms'")
        holder.execute("BEGIN")
        holder.execute(schema.LOCK)
        waiting = threading.Thread(target=store.write_products, args=([put("a")],), daemon=True)
        waiting.start()
        waiting.join(WAIT_S)

        with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
            holder.execute("COMMIT")

    assert store.get_products(["a"]).keys() == {"a"}
