"""`Store` on PostgreSQL, which several servers share."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from relatum_server.domain import Event, OfferUpdate, Product, StoredProduct
from relatum_server.errors import InvalidArgumentError, StoreError, UnavailableError
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
from relatum_server.store.guard import Guard
from relatum_server.store.postgres import transaction
from relatum_server.store.postgres.commit import PostgresCommit
from relatum_server.store.postgres.connection import (
    CONNECT_TIMEOUT_S,
    Connection,
    Durability,
    connect,
    place,
    set_up,
    translate,
)
from relatum_server.store.postgres.log import PostgresLog
from relatum_server.store.postgres.schema import LOCK, migrate
from relatum_server.store.records import decode_change

_Result = TypeVar("_Result")
_Outcome = TypeVar("_Outcome", ProductsWritten, EventsWritten, OffersWritten)

_READERS: Final = 16
_WAIT_S: Final = 1.0  # for a connection while the database is away: callers retry elsewhere
_PRUNE_US: Final = 60 * 1_000_000
_EVENT: Final = (
    "id, type, coalesce(hash, ''), session, time_us, sequence, payload"
    ' FROM events LEFT JOIN users ON number = "user"'
)


def open_postgres(
    url: str,
    folder: Path,
    key_check: bytes,
    *,
    durability: Durability = "full",
    clock: Callable[[], float] = time.time,
) -> "PostgresStore":
    """Open the store, making or migrating its tables in the schema that the URL selects.

    Args:
        url: postgresql://USER:PASSWORD@HOST/DATABASE.
        folder: this server's own directory, for the note of what it acknowledged.
        key_check: a digest by the shopper key; servers of one store need one key.
        durability: "full" waits until PostgreSQL has synced; "relaxed" does not.
        clock: seconds since 1970, for the 24 hours of idempotency.

    Raises:
        StoreError: too old, another program's, of a newer relatum, of another shopper key, or older
            than what this server acknowledged.
        UnavailableError: it cannot be reached.
    """
    connection = connect(url, durability)
    try:
        migrate(connection, place(url))
        _check_key(connection, key_check, place(url))
        guard = Guard(folder / "relatum.db", place(url))
        guard.check(PostgresLog(connection))
        commit = PostgresCommit(url, connection, guard, durability)
    except psycopg.Error as error:
        connection.close()
        raise translate(error, url) from error
    except BaseException:
        connection.close()
        raise
    return PostgresStore(url, commit, clock)


class PostgresStore:
    """`Store` on PostgreSQL."""

    def __init__(self, url: str, commit: PostgresCommit, clock: Callable[[], float]) -> None:
        """Use `open_postgres`."""
        self._url = url
        self._clock = clock
        self._commit = commit
        self._pruned_us = 0
        self._closed = False
        self._listener: Connection | None = None
        self._readers: ConnectionPool[Connection] = ConnectionPool(
            url,
            min_size=1,
            max_size=_READERS,
            timeout=_WAIT_S,
            kwargs={"connect_timeout": CONNECT_TIMEOUT_S, "application_name": "relatum"},
            configure=_configure,
            open=True,
        )

    @property
    def failure(self) -> Exception | None:
        """What stopped all writing for good, or None."""
        return self._commit.failure

    def close(self) -> None:
        """Finish what was accepted and release the connections. Safe twice."""
        self._closed = True
        self._commit.close()
        self._readers.close()
        if self._listener is not None:
            self._listener.close()

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

        def work(connection: Connection) -> ProductsWritten:
            return transaction.write_products(connection, puts, delete_ids)

        return self._write(work, ProductsWritten, request, reply)

    def write_events(
        self, events: Sequence[Event], *, request: Request | None = None, reply: bytes = b""
    ) -> EventsWritten:
        """As `Store.write_events`."""

        def work(connection: Connection) -> EventsWritten:
            return transaction.write_events(connection, events)

        return self._write(work, EventsWritten, request, reply)

    def update_offers(
        self,
        updates: Sequence[OfferUpdate],
        *,
        request: Request | None = None,
        reply: bytes = b"",
    ) -> OffersWritten:
        """As `Store.update_offers`."""

        def work(connection: Connection) -> OffersWritten:
            return transaction.update_offers(connection, updates, self._now_us())

        return self._write(work, OffersWritten, request, reply)

    def keep_reply(self, request: Request, reply: bytes) -> None:
        """As `Store.keep_reply`."""

        def work(connection: Connection) -> None:
            now_us = self._now_us()
            transaction.find_request(connection, request, now_us)
            self._keep(connection, request, None, reply, now_us)

        self._submit(work)

    # Reads

    def revision(self) -> int:
        """As `Store.revision`."""
        with self._read() as connection:
            return PostgresLog(connection).head().revision

    def wait_for_change(self, after_revision: int, timeout_s: float) -> None:
        """As `SharedStore.wait_for_change`; one caller at a time."""
        try:
            if self._listener is None or self._listener.closed:
                self._listener = connect(self._url)
                self._listener.execute(
                    "DO $$ BEGIN EXECUTE format('LISTEN %I', 'relatum_' || current_schema());"
                    " END $$"
                )
            if PostgresLog(self._listener).head().revision > after_revision:
                return
            for _ in self._listener.notifies(timeout=timeout_s, stop_after=1):
                return
        except psycopg.Error as error:
            raise translate(error, self._url) from error

    def replay(self, request: Request) -> bytes | None:
        """As `Store.replay`."""
        with self._read() as connection:
            found = transaction.find_request(connection, request, self._now_us())
        return None if found is None else found[1]

    def get_products(self, ids: Sequence[str]) -> dict[str, StoredProduct]:
        """As `Store.get_products`."""
        rows = self._rows("SELECT id, key, payload FROM products WHERE id = ANY(%s)", (list(ids),))
        found = {i: StoredProduct(key, decode_product(payload)) for i, key, payload in rows}
        return {i: found[i] for i in dict.fromkeys(ids) if i in found}

    def get_products_by_key(self, keys: Sequence[int]) -> dict[int, Product]:
        """As `Store.get_products_by_key`."""
        rows = self._rows("SELECT key, payload FROM products WHERE key = ANY(%s)", (_int8(keys),))
        found = {key: decode_product(payload) for key, payload in rows}
        return {key: found[key] for key in dict.fromkeys(keys) if key in found}

    def get_vectors(self, keys: Sequence[int], encoder_id: str) -> dict[int, bytes]:
        """As `Store.get_vectors`."""
        rows = self._rows(
            "SELECT key, packed_f16 FROM vectors WHERE key = ANY(%s) AND encoder_id = %s",
            (_int8(keys), encoder_id),
        )
        found = dict(rows)
        return {key: found[key] for key in dict.fromkeys(keys) if key in found}

    def list_products(self, after_id: str, limit: int) -> Sequence[StoredProduct]:
        """As `Store.list_products`."""
        rows = self._rows(
            "SELECT key, payload FROM products WHERE id > %s ORDER BY id LIMIT %s",
            (after_id, max(limit, 0)),
        )
        return [StoredProduct(key, decode_product(payload)) for key, payload in rows]

    def product_count(self) -> int:
        """As `Store.product_count`."""
        ((count,),) = self._rows("SELECT count(*) FROM products")
        return int(count)

    def user_events(self, user: str, limit: int) -> Sequence[Event]:
        """As `Store.user_events`."""
        rows = self._rows(
            f"SELECT {_EVENT} WHERE hash = %s"
            " ORDER BY time_us DESC, sequence DESC, row DESC LIMIT %s",
            (user, max(limit, 0)),
        )
        return [decode_event(row) for row in rows]

    def changes(self, after_revision: int, limit: int) -> Sequence[Change]:
        """As `Store.changes`."""
        rows = self._rows(
            "SELECT revision, kind, payload FROM change_log WHERE revision > %s"
            " ORDER BY revision LIMIT %s",
            (after_revision, max(limit, 0)),
        )
        return [decode_change(*row) for row in rows]

    def scan_products(self) -> Iterator[StoredProduct]:
        """As `Store.scan_products`."""
        for key, payload in self._scan("SELECT key, payload FROM products ORDER BY key"):
            yield StoredProduct(key, decode_product(payload))

    def scan_vectors(self, encoder_id: str) -> Iterator[ProductVector]:
        """As `Store.scan_vectors`."""
        for key, packed in self._scan(
            "SELECT key, packed_f16 FROM vectors WHERE encoder_id = %s ORDER BY key", (encoder_id,)
        ):
            yield ProductVector(key, encoder_id, packed)

    def scan_events(self, first_row: int = 0) -> Iterator[tuple[int, Event]]:
        """As `Store.scan_events`."""
        for row, *columns in self._scan(
            f"SELECT row, {_EVENT} WHERE row >= %s ORDER BY row", (first_row,)
        ):
            yield row, decode_event(tuple(columns))

    def _write(
        self,
        work: Callable[[Connection], _Outcome],
        kind: type[_Outcome],
        request: Request | None,
        reply: bytes,
    ) -> _Outcome:
        """The outcome of a write, or of the first one with the same request id."""

        def once(connection: Connection) -> _Outcome:
            if request is None:
                return work(connection)
            now_us = self._now_us()
            known = transaction.find_outcome(connection, request, kind, now_us)
            if known is not None:
                return known
            written = work(connection)
            self._keep(connection, request, written, reply, now_us)
            return written

        return self._submit(once)

    def _submit(self, work: Callable[[Connection], _Result]) -> _Result:
        try:
            return self._commit.submit(work).result()
        except (UnicodeEncodeError, OverflowError) as error:
            raise InvalidArgumentError("", f"cannot be stored: {error}") from error

    def _now_us(self) -> int:
        return int(self._clock() * 1e6)

    def _keep(
        self,
        connection: Connection,
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

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        """A connection in a transaction: its snapshot is that of the first query."""
        if self._closed:
            raise UnavailableError("the store is closed; retry on another server")
        try:
            with self._readers.connection() as connection, connection.transaction():
                yield connection
        except PoolTimeout as error:
            raise UnavailableError(
                f"PostgreSQL at {place(self._url)} cannot be reached; retry later"
            ) from error
        except psycopg.Error as error:
            raise translate(error, self._url) from error
        except (UnicodeEncodeError, OverflowError) as error:
            raise InvalidArgumentError("", f"cannot be looked up: {error}") from error

    def _rows(self, sql: str, bindings: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of one query."""
        with self._read() as connection:
            return connection.execute(sql.encode(), bindings).fetchall()

    def _scan(self, sql: str, bindings: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """Rows of one query from one snapshot, as they are asked for."""
        with self._read() as connection, connection.cursor("scan") as cursor:
            cursor.itersize = 1_000
            yield from cursor.execute(sql.encode(), bindings)


def _configure(connection: Connection) -> None:
    connection.autocommit = True
    set_up(connection, reading=True)


def _int8(keys: Sequence[int]) -> list[int]:
    """Keys that PostgreSQL can compare; no others exist."""
    return [key for key in keys if -(2**63) <= key < 2**63]


def _check_key(connection: Connection, key_check: bytes, where: str) -> None:
    """Keep the digest of the first server's key; later servers must have the same."""
    with connection.transaction():
        connection.execute(LOCK)
        row = connection.execute("SELECT key_check FROM identity").fetchone()
        if row is None or row[0] is None:
            connection.execute("UPDATE identity SET key_check = %s", (key_check,))
        elif row[0] != key_check:
            raise StoreError(
                f"the store at {where} is of another shopper key: its profiles would be lost; give"
                " the key of its other servers with --user-key-file"
            )
