"""What only the SQLite store can do wrong: restarts, scans, text that is none."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from relatum_server.domain import Event, EventType, Product
from relatum_server.errors import (
    InvalidArgumentError,
    UnavailableError,
)
from relatum_server.store.base import ProductPut
from relatum_server.store.connection import open_writer
from relatum_server.store.sqlite import SqliteStore, open_sqlite


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "relatum.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    store = open_sqlite(path)
    yield store
    store.close()


def put(product_id: str, description: str = "") -> ProductPut:
    return ProductPut(Product(id=product_id, description=description, etag="e"))


@pytest.mark.parametrize("durability", ["full", "relaxed"])
def test_what_was_written_is_there_after_a_restart(path: Path, durability: str) -> None:
    first = open_sqlite(path, durability=durability)  # type: ignore[arg-type]
    keys = first.write_products([put("a"), put("b")]).keys
    first.write_products([], ["b"])
    first.write_events([Event("1", EventType.VIEW, user="u")])
    first.close()

    second = open_sqlite(path)

    assert second.revision() == 3
    assert second.get_products(["a", "b"]).keys() == {"a"}
    assert [e.id for e in second.user_events("u", 9)] == ["1"]
    assert second.write_products([put("b")]).keys[0] > max(keys)  # never a key of the past
    second.close()


def test_full_durability_syncs_each_commit_and_pages_carry_checksums(path: Path) -> None:
    connection = open_writer(path, "full")

    assert connection.pragma("synchronous") == 2
    assert connection.pragma("journal_mode") == "wal"
    assert connection.pragma("checksum_verification") == "1"
    assert connection.reserve_bytes() == 8
    connection.close()


def test_a_scan_sees_the_moment_it_began_and_holds_up_no_write(store: SqliteStore) -> None:
    store.write_products([put(f"p{i}") for i in range(100)])
    scan = store.scan_products()
    next(scan)

    store.write_products([put("later")], [f"p{i}" for i in range(50)])

    assert sum(1 for _ in scan) == 99
    assert store.product_count() == 51


def test_a_scan_that_is_abandoned_gives_its_connection_back(store: SqliteStore) -> None:
    store.write_products([put("a"), put("b")])
    for _ in range(50):
        scan = store.scan_products()
        next(scan)
        scan.close()  # type: ignore[attr-defined]

    assert len(store._readers._idle) == 1


def test_a_store_can_close_while_a_scan_is_open(store: SqliteStore) -> None:
    store.write_products([put("a"), put("b")])
    scan = store.scan_products()
    next(scan)

    store.close()

    assert [s.product.id for s in scan] == ["b"]
    with pytest.raises(UnavailableError):
        store.revision()


@pytest.mark.parametrize("bad", ["\ud800", "x\udfff"])
def test_text_that_is_not_unicode_is_refused_and_changes_nothing(
    store: SqliteStore, bad: str
) -> None:
    attempts = (
        lambda: store.write_products([put("ok"), put(bad)]),
        lambda: store.write_products([put("ok"), put("title", bad)]),
        lambda: store.write_products([put("ok")], [bad]),
        lambda: store.write_events([Event(bad, EventType.VIEW)]),
        lambda: store.write_events([Event("1", EventType.SEARCH, query=bad)]),
        lambda: store.get_products([bad]),
        lambda: store.list_products(bad, 1),
        lambda: store.user_events(bad, 1),
    )
    for attempt in attempts:
        with pytest.raises(InvalidArgumentError):
            attempt()

    assert store.revision() == 0
    assert store.product_count() == 0


def test_integers_beyond_64_bits_are_refused_and_change_nothing(store: SqliteStore) -> None:
    attempts = (
        lambda: store.write_events([Event("1", EventType.VIEW, time_us=2**63)]),
        lambda: store.write_products([ProductPut(Product("a", update_time_us=2**64))]),
        lambda: store.get_products_by_key([2**63]),
        lambda: store.changes(2**63, 1),
    )
    for attempt in attempts:
        with pytest.raises(InvalidArgumentError):
            attempt()

    assert store.revision() == 0


def test_ids_with_nul_quotes_and_a_megabyte_do_not_run_together(store: SqliteStore) -> None:
    ids = ["a", "a\x00", "a\x00b", "a" * 1_000_000, "'\"; --", " a"]
    store.write_products([put(i, "d" + i[:9]) for i in ids])
    store.write_events([Event(i, EventType.VIEW, user=i) for i in ids])

    assert {i: s.product.description for i, s in store.get_products(ids).items()} == {
        i: "d" + i[:9] for i in ids
    }
    assert [[e.id for e in store.user_events(i, 9)] for i in ids] == [[i] for i in ids]
