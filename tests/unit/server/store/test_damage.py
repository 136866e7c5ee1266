"""Files that SQLite must not serve: damaged, foreign, of another schema."""

import sqlite3
from pathlib import Path

import pytest

from relatum_server.domain import Product
from relatum_server.errors import (
    StoreError,
    UnavailableError,
)
from relatum_server.store import schema
from relatum_server.store.base import ProductPut
from relatum_server.store.connection import open_writer
from relatum_server.store.sqlite import open_sqlite


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "relatum.db"


def put(product_id: str, description: str = "") -> ProductPut:
    return ProductPut(Product(id=product_id, description=description, etag="e"))


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
    connection.execute("INSERT INTO migrations VALUES (?, 0, x'')", (len(schema.MIGRATIONS) + 1,))
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
