"""Commits: shared by those who wait, refused by full disks, stopped for good by broken ones."""

import threading
from concurrent.futures import Future
from functools import partial
from pathlib import Path

import apsw
import pytest

from relatum_server.domain import Product
from relatum_server.errors import (
    ResourceExhaustedError,
    StoreError,
    UnavailableError,
)
from relatum_server.store import schema
from relatum_server.store.base import ProductPut
from relatum_server.store.commit import GroupCommit
from relatum_server.store.connection import open_writer
from relatum_server.store.guard import Guard
from relatum_server.store.sqlite import SqliteStore, open_sqlite


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "relatum.db"


def put(product_id: str, description: str = "") -> ProductPut:
    return ProductPut(Product(id=product_id, description=description, etag="e"))


def test_a_full_disk_refuses_the_write_and_the_next_one_that_fits_succeeds(path: Path) -> None:
    connection = open_writer(path, "full")
    schema.migrate(connection, path)
    connection.pragma("max_page_count", 64)  # SQLite answers as it does for ENOSPC
    store = SqliteStore(path, connection, lambda: 0.0, Guard(path))
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
        patch.setattr("relatum_server.store.connection.VFS_NAME", "failing-disk")
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
        c.execute("INSERT INTO change_log (kind, payload, link) VALUES ('x', x'', x'')")
        if i % 2:
            raise ValueError(i)
        return c.last_insert_rowid()

    connection.set_commit_hook(count)
    commit = GroupCommit(connection, path, Guard(path))
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
    connection = open_writer(path, "full")
    schema.migrate(connection, path)
    commit = GroupCommit(connection, path, Guard(path))
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
