"""A database that is not the one whose writes were acknowledged is refused, with the remedy."""

import shutil
from pathlib import Path

import pytest

from relatum_server.domain import Product
from relatum_server.errors import StoreError
from relatum_server.store import chain, schema
from relatum_server.store.acknowledged import SECTOR, Acknowledged, acknowledged_file
from relatum_server.store.base import ProductPut
from relatum_server.store.codec import encode
from relatum_server.store.connection import open_writer
from relatum_server.store.sqlite import open_sqlite
from relatum_server.store.sqlite_log import SqliteLog


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "relatum.db"


def write(path: Path, *ids: str, durability: str = "full") -> int:
    """A write each, and a clean close; the last revision."""
    store = open_sqlite(path, durability=durability)  # type: ignore[arg-type]
    for product_id in ids:
        store.write_products([ProductPut(Product(id=product_id, etag="e"))])
    revision = store.revision()
    store.close()
    return revision


def noted(path: Path) -> int:
    head = Acknowledged(acknowledged_file(path)).read()
    assert head is not None
    return head.revision


@pytest.mark.parametrize("durability", ["full", "relaxed"])
def test_what_is_acknowledged_is_noted_apart(path: Path, durability: str) -> None:
    assert write(path, "a", "b", durability=durability) == 2

    assert noted(path) == 2
    assert write(path, "c", durability=durability) == 3
    assert noted(path) == 3


def test_with_full_durability_it_is_noted_before_the_reply(path: Path) -> None:
    store = open_sqlite(path)
    store.write_products([ProductPut(Product(id="a", etag="e"))])

    assert noted(path) == 1
    store.close()


def test_an_older_copy_is_refused_with_the_command_that_helps(path: Path) -> None:
    write(path, "a")
    shutil.copy(path, path.with_suffix(".old"))
    write(path, "b")
    shutil.copy(path.with_suffix(".old"), path)

    with pytest.raises(StoreError, match=r"older copy.*relatum-server restore --data-dir"):
        open_sqlite(path)


def test_a_log_that_was_lost_with_its_commits_is_refused(path: Path, tmp_path: Path) -> None:
    write(path, "a")
    store = open_sqlite(path)
    store.write_products([ProductPut(Product(id="b", etag="e"))])
    killed = tmp_path / "killed"
    killed.mkdir()
    for name in ("relatum.db", "relatum.acknowledged"):  # and not relatum.db-wal
        shutil.copy(tmp_path / name, killed / name)
    store.close()

    with pytest.raises(StoreError, match="lost its end"):
        open_sqlite(killed / "relatum.db")


@pytest.mark.parametrize("gone", ["relatum.db", "relatum.acknowledged"])
def test_a_missing_file_is_refused_and_no_empty_store_is_served(path: Path, gone: str) -> None:
    write(path, "a")
    (path.parent / gone).unlink()

    with pytest.raises(StoreError, match=r"is gone.*restore"):
        open_sqlite(path)


def test_the_database_of_another_directory_is_refused(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "relatum.db"
    other.parent.mkdir()
    write(path, "a", "b")
    write(other, "a", "b")
    shutil.copy(other, path)

    with pytest.raises(StoreError, match="another history"):
        open_sqlite(path)


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE change_log SET payload = x'00' WHERE revision = 2",
        "DELETE FROM change_log WHERE revision = 2",
        "UPDATE change_log SET link = randomblob(32) WHERE revision = 2",
    ],
)
def test_a_record_that_was_changed_behind_our_back_is_refused(path: Path, harm: str) -> None:
    write(path, "a", "b", "c")
    connection = open_writer(path, "full")
    connection.execute(harm)
    connection.close()

    with pytest.raises(StoreError, match="change log is damaged at revision"):
        open_sqlite(path)


@pytest.mark.parametrize("sector", [0, 1])
@pytest.mark.parametrize("at", [0, 9, 20, 60, 2_000])
def test_one_torn_record_of_the_two_is_survived(path: Path, sector: int, at: int) -> None:
    write(path, "a", "b", "c")
    file = acknowledged_file(path)
    data = bytearray(file.read_bytes())
    data[sector * SECTOR + at] ^= 1
    file.write_bytes(data)

    assert write(path, "d") == 4
    assert noted(path) == 4


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: b"",
        lambda data: data[:SECTOR],
        lambda data: bytes(len(data)),
        lambda data: bytes(byte ^ 4 for byte in data),
    ],
    ids=["empty", "truncated", "zeros", "flipped"],
)
def test_a_file_that_says_nothing_is_refused(path: Path, spoil) -> None:
    write(path, "a", "b", "c")
    file = acknowledged_file(path)
    file.write_bytes(spoil(file.read_bytes()))

    with pytest.raises(StoreError, match=r"relatum\.acknowledged is damaged.*backup"):
        open_sqlite(path)


def test_a_crash_between_commit_and_note_leaves_a_store_that_opens(path: Path) -> None:
    write(path, "a", "b")
    older = acknowledged_file(path).read_bytes()
    write(path, "c")
    acknowledged_file(path).write_bytes(older)

    assert write(path) == 3


def test_a_store_of_the_first_schema_is_chained_and_noted(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = open_writer(path, "full")
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:1])
        schema.migrate(connection, path)
    for key, product_id in enumerate(("a", "b"), start=1):
        product = encode(Product(id=product_id, etag="e"))
        connection.execute("INSERT INTO products VALUES (?, ?, 'e', ?)", (key, product_id, product))
        connection.execute(
            "INSERT INTO change_log (kind, payload) VALUES ('products', ?)", (encode(((key,), ())),)
        )
    connection.close()

    assert write(path, "c") == 3

    assert noted(path) == 3
    connection = open_writer(path, "full")
    assert chain.verify(SqliteLog(connection)).revision == 3
    connection.close()


def test_a_step_of_the_schema_that_is_not_ours_is_refused(path: Path) -> None:
    write(path, "a")
    connection = open_writer(path, "full")
    connection.execute("UPDATE migrations SET checksum = randomblob(32) WHERE number = 1")
    connection.close()

    with pytest.raises(StoreError, match="another step 1"):
        open_sqlite(path)


def test_a_long_log_opens_by_its_tail(path: Path) -> None:
    store = open_sqlite(path)
    for i in range(1_200):
        store.write_products([ProductPut(Product(id=f"p{i}", etag="e"))])
    store.close()
    connection = open_writer(path, "full")
    connection.execute("UPDATE change_log SET payload = x'00' WHERE revision = 3")
    with pytest.raises(StoreError, match="revision 3"):
        chain.verify(SqliteLog(connection))
    connection.close()

    store = open_sqlite(path)  # `doctor` follows all of it

    assert store.revision() == 1_200
    store.close()
