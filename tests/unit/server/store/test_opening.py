"""Which store a name opens, and what a reader refuses."""

import sys
from pathlib import Path

import pytest

from relatum_server.domain import Event, EventType, OfferUpdate, Product
from relatum_server.errors import ConfigError, FailedPreconditionError
from relatum_server.store.base import ProductPut, Request
from relatum_server.store.directory import DataDirectory
from relatum_server.store.identity import ShopperKey
from relatum_server.store.opening import is_shared, open_store
from relatum_server.store.reading import WRITES, ReadingStore
from tests.fakes.store import FakeStore

KEY = ShopperKey(b"k" * 32)


def test_sqlite_lies_in_the_data_directory(tmp_path: Path) -> None:
    directory = DataDirectory.open(tmp_path)
    store = open_store("sqlite", directory, KEY, "full")

    assert store.revision() == 0
    assert directory.database.exists()
    assert not is_shared("sqlite")
    store.close()
    directory.close()


@pytest.mark.parametrize("name", ["", "mysql://u:secret@h/d", "relatum.db"])
def test_another_store_is_refused_without_its_password(tmp_path: Path, name: str) -> None:
    directory = DataDirectory.open(tmp_path)
    with pytest.raises(ConfigError, match="postgresql://USER@HOST/DATABASE") as caught:
        open_store(name, directory, KEY, "full")

    assert "secret" not in caught.value.message
    directory.close()


def test_without_the_client_of_postgresql_the_remedy_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = DataDirectory.open(tmp_path)
    monkeypatch.setitem(sys.modules, "relatum_server.store.postgres.store", None)

    with pytest.raises(ConfigError, match=r"pip install 'relatum\[server,postgres\]'"):
        open_store("postgresql://h/d", directory, KEY, "full")

    directory.close()


def test_a_reader_reads_and_refuses_every_write() -> None:
    store = FakeStore()
    store.write_products([ProductPut(Product(id="a", etag="e"))])
    reader = ReadingStore(store)
    writes = {
        "write_products": ([ProductPut(Product(id="b", etag="e"))],),
        "write_events": ([Event("1", EventType.VIEW)],),
        "update_offers": ([OfferUpdate("a")],),
        "keep_reply": (Request("r", "1", b""), b""),
    }

    assert reader.get_products(["a"]).keys() == {"a"}
    assert writes.keys() == WRITES
    for name, arguments in writes.items():
        with pytest.raises(FailedPreconditionError, match="role writer") as caught:
            getattr(reader, name)(*arguments)
        assert caught.value.reason == "READ_ONLY"
    assert store.revision() == 1
