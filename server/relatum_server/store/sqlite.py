"""The store in one SQLite file: one writer thread, readers that never wait for it."""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import apsw

from relatum_server.domain import Event, OfferUpdate, Product, StoredProduct
from relatum_server.errors import InvalidArgumentError, StoreError
from relatum_server.store import transaction
from relatum_server.store.base import (
    Change,
    EventsWritten,
    OffersWritten,
    ProductPut,
    ProductsWritten,
    ProductVector,
    Request,
    Written,
)
from relatum_server.store.codec import decode_event, decode_product
from relatum_server.store.commit import GroupCommit
from relatum_server.store.connection import (
    Durability,
    open_writer,
    set_durability,
    translate,
)
from relatum_server.store.guard import Guard
from relatum_server.store.readers import ReaderPool
from relatum_server.store.records import decode_change
from relatum_server.store.schema import migrate
from relatum_server.store.sqlite_log import SqliteLog

_Result = TypeVar("_Result")

_PRUNE_US: Final = 60 * 1_000_000


def open_sqlite(
    path: Path,
    *,
    durability: Durability = "full",
    key_check: bytes | None = None,
    clock: Callable[[], float] = time.time,
) -> "SqliteStore":
    """Open the store, making or migrating the file. The caller holds the DataDirectory.

    Args:
        path: the database file; `-wal` and `-shm` come beside it.
        durability: "full" fsyncs each commit; "relaxed" may lose the last ones in a power loss.
        key_check: a digest by the shopper key, kept at the first start; None leaves it unchecked.
        clock: seconds since 1970, for the 24 hours of idempotency.

    Raises:
        StoreError: of another shopper key, damaged, another program's, of a newer relatum, older
            than what was acknowledged, or not writable.
    """
    guard = Guard(path)
    guard.check_before_open()
    connection = open_writer(path, "full")
    try:
        migrate(connection, path)
        guard.check(SqliteLog(connection))  # what it notes must be durable, relaxed or not
        if key_check is not None:
            _check_key(connection, key_check, path)
        set_durability(connection, durability)
    except apsw.Error as error:
        connection.close()
        raise translate(error, path) from error
    except BaseException:
        connection.close()
        raise
    return SqliteStore(path, connection, clock, guard, durability)


def _check_key(connection: apsw.Connection, key_check: bytes, path: Path) -> None:
    kept: bytes | None = connection.execute("SELECT key_check FROM identity").get
    if kept is None:
        connection.execute("UPDATE identity SET key_check = ?", (key_check,))
    elif kept != key_check:
        raise StoreError(
            f"database {path} is of another shopper key: its profiles would be lost; put the key"
            " file of this data directory back, or name it with --user-key-file"
        )


class SqliteStore:
    """`Store` on SQLite."""

    def __init__(
        self,
        path: Path,
        writer: apsw.Connection,
        clock: Callable[[], float],
        guard: Guard,
        durability: Durability = "full",
    ) -> None:
        """Use `open_sqlite`."""
        self._path = path
        self._clock = clock
        self._commit = GroupCommit(writer, path, guard, durability)
        self._readers = ReaderPool(path, self._commit.fail)
        self._pruned_us = 0

    @property
    def failure(self) -> Exception | None:
        """What stopped all writing for good (a failed fsync, damage), or None."""
        return self._commit.failure

    def close(self) -> None:
        """Finish what was accepted and release the database. Safe twice."""
        self._readers.close()
        self._commit.close()

    # Writes

    def write_products(
        self,
        puts: Sequence[ProductPut],
        delete_ids: Sequence[str] = (),
        *,
        request: Request | None = None,
        reply: bytes = b"",
    ) -> ProductsWritten:
        """As `Store.write_products`."""

        def work(connection: apsw.Connection) -> ProductsWritten:
            if request is None:
                return transaction.write_products(connection, puts, delete_ids)
            now_us = self._now_us()
            known = transaction.find_outcome(connection, request, ProductsWritten, now_us)
            if known is not None:
                return known
            written = transaction.write_products(connection, puts, delete_ids)
            self._keep(connection, request, written, reply, now_us)
            return written

        return self._write(work)

    def write_events(
        self, events: Sequence[Event], *, request: Request | None = None, reply: bytes = b""
    ) -> EventsWritten:
        """As `Store.write_events`."""

        def work(connection: apsw.Connection) -> EventsWritten:
            if request is None:
                return transaction.write_events(connection, events)
            now_us = self._now_us()
            known = transaction.find_outcome(connection, request, EventsWritten, now_us)
            if known is not None:
                return known
            written = transaction.write_events(connection, events)
            self._keep(connection, request, written, reply, now_us)
            return written

        return self._write(work)

    def update_offers(
        self,
        updates: Sequence[OfferUpdate],
        *,
        request: Request | None = None,
        reply: bytes = b"",
    ) -> OffersWritten:
        """As `Store.update_offers`."""

        def work(connection: apsw.Connection) -> OffersWritten:
            now_us = self._now_us()
            if request is None:
                return transaction.update_offers(connection, updates, now_us)
            known = transaction.find_outcome(connection, request, OffersWritten, now_us)
            if known is not None:
                return known
            written = transaction.update_offers(connection, updates, now_us)
            self._keep(connection, request, written, reply, now_us)
            return written

        return self._write(work)

    def keep_reply(self, request: Request, reply: bytes) -> None:
        """As `Store.keep_reply`."""

        def work(connection: apsw.Connection) -> None:
            now_us = self._now_us()
            transaction.find_request(connection, request, now_us)
            self._keep(connection, request, None, reply, now_us)

        self._write(work)

    # Reads

    def revision(self) -> int:
        """As `Store.revision`."""
        with self._readers.read() as connection:
            return transaction.last_revision(connection)

    def replay(self, request: Request) -> bytes | None:
        """As `Store.replay`."""
        with self._readers.read() as connection:
            found = transaction.find_request(connection, request, self._now_us())
        return None if found is None else found[1]

    def get_products(self, ids: Sequence[str]) -> dict[str, StoredProduct]:
        """As `Store.get_products`."""
        rows = self._look_up("SELECT key, payload FROM products WHERE id = ?", ids)
        return {i: StoredProduct(key, decode_product(payload)) for i, (key, payload) in rows}

    def get_products_by_key(self, keys: Sequence[int]) -> dict[int, Product]:
        """As `Store.get_products_by_key`."""
        rows = self._look_up("SELECT payload FROM products WHERE key = ?", keys)
        return {key: decode_product(payload) for key, (payload,) in rows}

    def get_vectors(self, keys: Sequence[int], encoder_id: str) -> dict[int, bytes]:
        """As `Store.get_vectors`."""
        rows = self._look_up(
            "SELECT packed_f16 FROM vectors WHERE key = ? AND encoder_id = ?", keys, encoder_id
        )
        return {key: packed for key, (packed,) in rows}

    def list_products(self, after_id: str, limit: int) -> Sequence[StoredProduct]:
        """As `Store.list_products`."""
        rows = self._rows(
            "SELECT key, payload FROM products WHERE id > ? ORDER BY id LIMIT ?",
            (after_id, max(limit, 0)),
        )
        return [StoredProduct(key, decode_product(payload)) for key, payload in rows]

    def product_count(self) -> int:
        """As `Store.product_count`."""
        with self._readers.read() as connection:
            count: int = connection.execute("SELECT count(*) FROM products").get
        return count

    def user_events(self, user: str, limit: int) -> Sequence[Event]:
        """As `Store.user_events`."""
        rows = self._rows(
            "SELECT id, type, ?1, session, time_us, sequence, payload FROM events"
            " WHERE user = (SELECT number FROM users WHERE hash = ?1)"
            " ORDER BY time_us DESC, sequence DESC, row DESC LIMIT ?",
            (user, max(limit, 0)),
        )
        return [decode_event(row) for row in rows]

    def changes(self, after_revision: int, limit: int) -> Sequence[Change]:
        """As `Store.changes`."""
        rows = self._rows(
            "SELECT revision, kind, payload FROM change_log WHERE revision > ?"
            " ORDER BY revision LIMIT ?",
            (after_revision, max(limit, 0)),
        )
        return [decode_change(*row) for row in rows]

    def scan_products(self) -> Iterator[StoredProduct]:
        """As `Store.scan_products`."""
        for key, payload in self._rows("SELECT key, payload FROM products ORDER BY key"):
            yield StoredProduct(key, decode_product(payload))

    def scan_vectors(self, encoder_id: str) -> Iterator[ProductVector]:
        """As `Store.scan_vectors`."""
        for key, packed in self._rows(
            "SELECT key, packed_f16 FROM vectors WHERE encoder_id = ? ORDER BY key", (encoder_id,)
        ):
            yield ProductVector(key, encoder_id, packed)

    def scan_events(self, first_row: int = 0) -> Iterator[tuple[int, Event]]:
        """As `Store.scan_events`."""
        for columns in self._rows(
            "SELECT row, id, type, coalesce(hash, ''), session, time_us, sequence, payload"
            " FROM events LEFT JOIN users ON number = user WHERE row >= ? ORDER BY row",
            (first_row,),
        ):
            yield columns[0], decode_event(columns[1:])

    def _write(self, work: Callable[[apsw.Connection], _Result]) -> _Result:
        try:
            return self._commit.submit(work).result()
        except (UnicodeEncodeError, OverflowError, apsw.TooBigError) as error:
            raise InvalidArgumentError("", f"cannot be stored: {error}") from error

    def _now_us(self) -> int:
        return int(self._clock() * 1e6)

    def _keep(
        self,
        connection: apsw.Connection,
        request: Request,
        written: Written | None,
        reply: bytes,
        now_us: int,
    ) -> None:
        """Remember the request; once a minute forget old ones. Runs on the writer thread."""
        transaction.keep_request(connection, request, now_us, outcome=written, reply=reply)
        if now_us - self._pruned_us >= _PRUNE_US:
            self._pruned_us = now_us
            transaction.prune_requests(connection, now_us)

    def _look_up(
        self, sql: str, keys: Sequence[Any], *more: Any
    ) -> list[tuple[Any, tuple[Any, ...]]]:
        """The row of each key that has one, all from one snapshot."""
        found: list[tuple[Any, tuple[Any, ...]]] = []
        with self._readers.read() as connection:
            for key in keys:
                row = connection.execute(sql, (key, *more)).fetchone()
                if row is not None:
                    found.append((key, row))
        return found

    def _rows(self, sql: str, bindings: Sequence[Any] = ()) -> Iterator[Any]:
        """Rows of one query, from one snapshot, as they are asked for."""
        with self._readers.read() as connection:
            yield from connection.execute(sql, bindings)
