"""A backup is one moment of a store; a restore brings all of it back and loses nothing."""

import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from relatum_server.domain import Event, EventType, Product
from relatum_server.errors import StoreError
from relatum_server.store.backup import MANIFEST, back_up, read_manifest
from relatum_server.store.base import ProductPut
from relatum_server.store.directory import RESTORING, DataDirectory
from relatum_server.store.identity import ShopperKey
from relatum_server.store.restore import restore
from relatum_server.store.sqlite import SqliteStore, open_sqlite


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def opened(data: Path) -> SqliteStore:
    data.mkdir(exist_ok=True)
    return open_sqlite(data / "relatum.db")


def fill(data: Path, *ids: str) -> None:
    store = opened(data)
    for i in ids:
        store.write_products([ProductPut(Product(id=i, etag="e"), text_vector=b"v" * 8)])
        store.write_events([Event(i, EventType.VIEW, user="u")])
    store.close()
    ShopperKey.load_or_create(data / "user.key")


def contents(data: Path) -> tuple[Any, ...]:
    store = opened(data)
    try:
        return (
            store.revision(),
            list(store.scan_products()),
            list(store.scan_vectors("")),
            list(store.scan_events()),
            list(store.changes(0, 1_000)),
        )
    finally:
        store.close()


def test_every_row_comes_back_and_what_was_there_is_kept_aside(data, tmp_path) -> None:
    fill(data, "a", "b")
    (data / "text").mkdir()
    before, key = contents(data), (data / "user.key").read_bytes()
    manifest = back_up(data, tmp_path / "backup")
    fill(data, "c")
    (data / "user.key").write_bytes(b"k" * 32)

    done = restore(data, tmp_path / "backup")

    assert (manifest.revision, manifest.products, manifest.events) == (4, 2, 2)
    assert contents(data) == before
    assert (data / "user.key").read_bytes() == key
    assert (data / "user.key").stat().st_mode & 0o777 == 0o600
    assert not (data / "text").exists()
    assert done.replaced is not None
    assert {p.name for p in done.replaced.iterdir()} >= {"relatum.db", "user.key", "text"}


def test_a_backup_goes_where_nothing_was_yet(data, tmp_path) -> None:
    fill(data, "a")
    back_up(data, tmp_path / "backup")

    done = restore(tmp_path / "new", tmp_path / "backup")

    assert done.replaced is None
    assert contents(tmp_path / "new") == contents(data)


def test_a_backup_of_a_store_that_is_written_to_is_one_moment_of_it(data, tmp_path) -> None:
    store = opened(data)
    stop = threading.Event()

    def write() -> None:
        i = 0
        while not stop.is_set():
            pair = [ProductPut(Product(id=f"{i}.{half}", etag="e")) for half in "ab"]
            store.write_products(pair)
            i += 1

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    while store.revision() < 20:
        writer.join(0.01)
    manifests = [back_up(data, tmp_path / f"backup{i}") for i in range(5)]
    stop.set()
    writer.join()
    store.close()

    for i, manifest in enumerate(manifests):
        restore(tmp_path / f"to{i}", tmp_path / f"backup{i}")
        revision, products, *_ = contents(tmp_path / f"to{i}")
        assert revision == manifest.revision
        assert len(products) == manifest.products == 2 * manifest.revision
    assert len({manifest.revision for manifest in manifests}) > 1


def test_the_key_can_be_left_out_and_then_the_directory_keeps_its_own(data, tmp_path) -> None:
    fill(data, "a")
    key = (data / "user.key").read_bytes()

    manifest = back_up(data, tmp_path / "backup", with_key=False)
    restore(data, tmp_path / "backup")

    assert "user.key" not in manifest.sha256
    assert key not in b"".join(p.read_bytes() for p in (tmp_path / "backup").iterdir())
    assert (data / "user.key").read_bytes() == key


@pytest.mark.parametrize("name", ["relatum.db", "relatum.acknowledged", "user.key", MANIFEST])
@pytest.mark.parametrize("harm", ["flip", "cut", "missing", "zero suffix"])
def test_a_damaged_backup_is_refused_and_the_directory_is_left_alone(
    data, tmp_path, name, harm
) -> None:
    fill(data, "a")
    back_up(data, tmp_path / "backup")
    file = tmp_path / "backup" / name
    content = file.read_bytes()
    half = len(content) // 2
    if harm == "missing":
        file.unlink()
    else:
        flipped = content[:half] + bytes([content[half] ^ 1]) + content[half + 1 :]
        zeros = content[:half] + bytes(len(content) - half)
        file.write_bytes({"flip": flipped, "cut": content[:half], "zero suffix": zeros}[harm])
    before = contents(data)

    with pytest.raises(StoreError, match=r"backup"):
        restore(data, tmp_path / "backup")

    assert contents(data) == before


def test_a_directory_in_use_is_not_restored_over(data, tmp_path) -> None:
    fill(data, "a")
    back_up(data, tmp_path / "backup")
    held = DataDirectory.open(data)

    with pytest.raises(StoreError, match="in use by process"):
        restore(data, tmp_path / "backup")

    held.close()
    assert contents(data)[0] == 2


@pytest.mark.parametrize("at", range(1, 6))
def test_an_interrupted_restore_leaves_the_old_store_or_one_that_waits_for_it(
    data, tmp_path, monkeypatch, at
) -> None:
    fill(data, "a", "b")
    back_up(data, tmp_path / "backup")
    fill(data, "c")
    old = contents(data)
    count = 0
    rename = Path.rename

    def fails(self, target):
        nonlocal count
        count += 1
        if count == at:
            raise OSError(5, "Input/output error")
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", fails)
        with pytest.raises(StoreError, match="restore again"):
            restore(data, tmp_path / "backup")

    if (data / RESTORING).exists():
        with pytest.raises(StoreError, match="interrupted; run it again"):
            DataDirectory.open(data)
    else:
        assert contents(data) == old
    restore(data, tmp_path / "backup")
    assert contents(data)[0] == 4
    DataDirectory.open(data).close()


@pytest.mark.parametrize(
    ("harm", "cause"),
    [
        (lambda data, out: shutil.rmtree(data), "holds no store"),
        (lambda data, out: out.mkdir(), "exists"),
        (lambda data, out: (data / "relatum.db").write_bytes(b"no database"), "damaged"),
    ],
)
def test_what_cannot_be_backed_up_gets_one_line(data, tmp_path, harm, cause) -> None:
    fill(data, "a")
    out = tmp_path / "backup"
    harm(data, out)

    with pytest.raises(StoreError, match=cause):
        back_up(data, out)

    assert not any(tmp_path.glob(".backup*"))


def test_an_older_copy_is_not_backed_up(data, tmp_path) -> None:
    fill(data, "a")
    shutil.copy(data / "relatum.db", tmp_path / "old.db")
    fill(data, "b")
    shutil.copy(tmp_path / "old.db", data / "relatum.db")

    with pytest.raises(StoreError, match="was acknowledged"):
        back_up(data, tmp_path / "backup")


def test_a_folder_that_is_no_backup_is_refused(tmp_path) -> None:
    with pytest.raises(StoreError, match="is not a backup that is whole"):
        read_manifest(tmp_path)
