"""What only the SQLite store can do wrong: files, damage, full disks, broken disks."""

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from functools import partial
from pathlib import Path

import apsw
import pytest

from relatum_server.domain import Event, EventType, Product
from relatum_server.errors import (
    InvalidArgumentError,
    ResourceExhaustedError,
    StoreError,
    UnavailableError,
)
from relatum_server.store import schema
from relatum_server.store.base import ProductPut
from relatum_server.store.commit import GroupCommit
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


def test_a_flipped_bit_in_any_page_is_detected_and_never_served(path: Path) -> None:
    products = [put(f"p{i}", f"text {i} " * 100) for i in range(60)]
    store = open_sqlite(path)
    store.write_products(products)
    store.close()
    sound = path.read_bytes()
    caught: list[int] = []

    for page in range(len(sound) // 4096):
        damaged = bytearray(sound)
        damaged[page * 4096 + 2_000] ^= 0x10
        path.write_bytes(damaged)
        served = _scan_or_none(path)
        if served is None:
            caught.append(page)
        else:  # the page belongs to something that this scan does not read
            assert served == [p.product for p in products]

    assert len(caught) > 60 * 800 / 4096  # at the least the pages of the payloads
    assert 0 in caught


def test_a_damaged_page_stops_writing_too(path: Path) -> None:
    store = open_sqlite(path)
    store.write_products([put(f"p{i}", f"text {i} " * 100) for i in range(60)])
    store.close()
    sound = bytearray(path.read_bytes())
    sound[sound.rindex(b"text 30 ")] ^= 1
    path.write_bytes(sound)
    store = open_sqlite(path)

    with pytest.raises(StoreError, match="restore it from a backup"):
        list(store.scan_products())
    with pytest.raises(UnavailableError):
        store.write_products([put("new")])

    store.close()


def _scan_or_none(path: Path) -> list[Product] | None:
    """All products, or None where the damage is reported."""
    try:
        store = open_sqlite(path)
    except StoreError:
        return None
    try:
        return [stored.product for stored in store.scan_products()]
    except StoreError:
        return None
    finally:
        store.close()


@pytest.mark.parametrize("content", [b"not a database, but long enough " * 200, b"\x00" * 8192])
def test_a_file_that_is_no_database_is_refused_and_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)

    with pytest.raises(StoreError, match=r"relatum\.db"):
        open_sqlite(path)

    assert path.read_bytes() == content


def test_a_truncated_database_is_refused_or_its_loss_reported(path: Path) -> None:
    store = open_sqlite(path)
    store.write_products([put(f"p{i}", "text " * 500) for i in range(60)])
    store.close()
    path.write_bytes(path.read_bytes()[: 4096 * 5])

    with pytest.raises(StoreError):
        list(open_sqlite(path).scan_products())


def test_the_database_of_another_program_is_refused(path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE theirs (x)")
    other.close()

    with pytest.raises(StoreError, match="give another --data-dir"):
        open_sqlite(path)


def test_the_database_of_a_newer_relatum_is_refused_untouched(path: Path) -> None:
    open_sqlite(path).close()
    connection = open_writer(path, "full")
    connection.execute("INSERT INTO migrations VALUES (?, 0)", (len(schema.MIGRATIONS) + 1,))
    connection.close()

    with pytest.raises(StoreError, match="start the newer relatum"):
        open_sqlite(path)


def test_a_migration_that_fails_leaves_the_schema_before_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_sqlite(path)
    store.write_products([put("a")])
    store.close()
    bad = "CREATE TABLE later (x); CREATE TABLE products (x);"
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, bad))
        with pytest.raises(StoreError):
            open_sqlite(path)

    again = open_sqlite(path)

    assert again.product_count() == 1
    again.close()


@pytest.mark.parametrize("where", ["missing/relatum.db", "folder"])
def test_a_path_that_cannot_be_a_database_is_refused(tmp_path: Path, where: str) -> None:
    (tmp_path / "folder").mkdir()

    with pytest.raises(StoreError):
        open_sqlite(tmp_path / where)


def test_a_full_disk_refuses_the_write_and_the_next_one_that_fits_succeeds(path: Path) -> None:
    connection = open_writer(path, "full")
    schema.migrate(connection, path)
    connection.pragma("max_page_count", 64)  # SQLite answers as it does for ENOSPC
    store = SqliteStore(path, connection, lambda: 0.0)
    store.write_products([put("before")])

    with pytest.raises(ResourceExhaustedError) as caught:
        store.write_products([put(f"p{i}", "x" * 4_000) for i in range(200)])

    assert caught.value.reason == "STORAGE_FULL"
    assert store.product_count() == 1
    assert store.failure is None
    assert store.write_products([put("after")]).revision == 2
    store.close()


class _FailingSync(apsw.VFSFile):
    """A file whose fsync fails once the test says so."""

    failing = False
    syncs = 0

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's name
        if _FailingSync.failing:
            _FailingSync.syncs += 1
            raise apsw.IOError("fsync: EIO")
        super().xSync(flags)


class _FailingDisk(apsw.VFS):
    def __init__(self) -> None:
        super().__init__("failing-disk", "cksmvfs")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        return _FailingSync("cksmvfs", name, flags)


def test_a_failed_fsync_stops_all_writing_and_is_never_tried_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_sqlite(path).close()  # loads the VFS that the failing one stands on
    disk = _FailingDisk()
    with monkeypatch.context() as patch:
        patch.setattr("relatum_server.store.connection._CHECKSUM_VFS", "failing-disk")
        store = open_sqlite(path)
        store.write_products([put("before")])
        patch.setattr(_FailingSync, "failing", True)
        patch.setattr(_FailingSync, "syncs", 0)

        with pytest.raises(StoreError, match="restart the server"):
            store.write_products([put("lost")])
        with pytest.raises(UnavailableError, match="writing stopped"):
            store.write_products([put("after")])

        assert _FailingSync.syncs == 1
        assert store.failure is not None
        assert store.get_products(["before", "lost", "after"]).keys() == {"before"}
        store.close()
    disk.unregister()


def _hold(commit: GroupCommit, leave: threading.Event) -> Future[bool]:
    """Keep the writer busy until the test lets it go."""
    entered = threading.Event()

    def work(_: apsw.Connection) -> bool:
        entered.set()
        return leave.wait(30)

    held = commit.submit(work)
    assert entered.wait(30)
    return held


def test_callers_who_wait_together_share_one_commit_and_fail_alone(path: Path) -> None:
    connection = open_writer(path, "full")
    schema.migrate(connection, path)
    commits = 0

    def count() -> bool:
        nonlocal commits
        commits += 1
        return False

    def insert(c: apsw.Connection, i: int) -> int:
        c.execute("INSERT INTO change_log (kind, payload) VALUES ('x', x'')")
        if i % 2:
            raise ValueError(i)
        return c.last_insert_rowid()

    connection.set_commit_hook(count)
    commit = GroupCommit(connection, path)
    leave = threading.Event()
    held = _hold(commit, leave)
    waiting = [commit.submit(partial(insert, i=i)) for i in range(20)]
    leave.set()

    assert held.result()
    failures = [future.exception() for future in waiting]

    assert [isinstance(failure, ValueError) for failure in failures] == [False, True] * 10
    assert [future.result() for future in waiting[::2]] == list(range(1, 11))
    assert commits == 2  # the held job's, and one for the twenty that waited
    commit.close()


def test_too_many_waiting_writes_are_refused_early_and_the_others_are_done(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relatum_server.store.commit._QUEUE_JOBS", 1)
    commit = GroupCommit(open_writer(path, "full"), path)
    leave = threading.Event()
    held = _hold(commit, leave)
    waiting = commit.submit(lambda _: "done")

    with pytest.raises(ResourceExhaustedError) as caught:
        commit.submit(lambda _: "refused")
    leave.set()
    commit.close()

    assert caught.value.reason == "OVERLOADED"
    assert held.done()
    assert waiting.result() == "done"


def test_the_log_is_moved_into_the_database_when_it_grows(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relatum_server.store.commit._CHECKPOINT_PAGES", 50)
    store = open_sqlite(path)
    for i in range(60):
        store.write_products([put(f"p{i}", "x" * 10_000)])

    log = path.with_name("relatum.db-wal")

    assert log.stat().st_size < 1_000_000 < 60 * 10_000 + path.stat().st_size
    assert path.stat().st_size > 500_000
    store.close()
    assert not log.exists()
