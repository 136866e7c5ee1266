"""The reads of a store on PostgreSQL, from a pool of connections."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from relatum_server.domain import Event, Product, StoredProduct
from relatum_server.errors import InvalidArgumentError, UnavailableError
from relatum_server.store.base import Change, ProductVector, Request
from relatum_server.store.codec import decode_event, decode_product
from relatum_server.store.postgres import transaction
from relatum_server.store.postgres.connection import (
    CONNECT_TIMEOUT_S,
    Connection,
    connect,
    place,
    set_up,
    translate,
)
from relatum_server.store.postgres.log import PostgresLog
from relatum_server.store.records import decode_change

_READERS: Final = 16
_WAIT_S: Final = 1.0  # for a connection while the database is away: callers retry elsewhere
_EVENT: Final = (
    "id, type, coalesce(hash, ''), session, time_us, sequence, payload"
    ' FROM events LEFT JOIN users ON number = "user"'
)


class PostgresReads:
    """The reading half of `PostgresStore`."""

    def __init__(self, url: str, clock: Callable[[], float]) -> None:
        self._url = url
        self._clock = clock
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

    def close(self) -> None:
        """Release the connections. Safe twice."""
        self._closed = True
        self._readers.close()
        if self._listener is not None:
            self._listener.close()

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

    def _now_us(self) -> int:
        return int(self._clock() * 1e6)

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
