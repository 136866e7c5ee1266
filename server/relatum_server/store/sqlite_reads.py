"""The reads of a store on SQLite; none of them waits for a write."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from relatum_server.domain import Event, Product, StoredProduct
from relatum_server.store import transaction
from relatum_server.store.base import Change, ProductVector, Request
from relatum_server.store.codec import decode_event, decode_product
from relatum_server.store.readers import ReaderPool
from relatum_server.store.records import decode_change


class SqliteReads:
    """The reading half of `SqliteStore`."""

    def __init__(
        self, path: Path, on_damage: Callable[[Exception], None], clock: Callable[[], float]
    ) -> None:
        """Take the database's path; `on_damage` hears of failed disks and damaged pages."""
        self._path = path
        self._clock = clock
        self._readers = ReaderPool(path, on_damage)

    def close(self) -> None:
        """Close the readers. Safe twice."""
        self._readers.close()

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

    def _now_us(self) -> int:
        return int(self._clock() * 1e6)

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
