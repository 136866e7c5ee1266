"""The store in one SQLite file: one writer thread, readers that never wait for it."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

import apsw

from relatum_server.domain import Event, OfferUpdate
from relatum_server.errors import InvalidArgumentError
from relatum_server.store import transaction
from relatum_server.store.base import (
    EventsWritten,
    OffersWritten,
    ProductPut,
    ProductsWritten,
    Request,
    Written,
)
from relatum_server.store.commit import GroupCommit
from relatum_server.store.connection import (
    Durability,
    open_writer,
    set_durability,
    translate,
)
from relatum_server.store.guard import Guard, check_key
from relatum_server.store.schema import migrate
from relatum_server.store.sqlite_log import SqliteLog
from relatum_server.store.sqlite_reads import SqliteReads

_Result = TypeVar("_Result")
_Outcome = TypeVar("_Outcome", ProductsWritten, EventsWritten, OffersWritten)

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
            kept: bytes | None = connection.execute("SELECT key_check FROM identity").get
            if check_key(kept, key_check, str(path)):
                connection.execute("UPDATE identity SET key_check = ?", (key_check,))
        set_durability(connection, durability)
    except apsw.Error as error:
        connection.close()
        raise translate(error, path) from error
    except BaseException:
        connection.close()
        raise
    return SqliteStore(path, connection, clock, guard, durability)


class SqliteStore(SqliteReads):
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
        self._commit = GroupCommit(writer, path, guard, durability)
        super().__init__(path, self._commit.fail, clock)
        self._pruned_us = 0

    @property
    def failure(self) -> Exception | None:
        """What stopped all writing for good (a failed fsync, damage), or None."""
        return self._commit.failure

    def close(self) -> None:
        """Finish what was accepted and release the database. Safe twice."""
        super().close()
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
            return transaction.write_products(connection, puts, delete_ids)

        return self._once(work, ProductsWritten, request, reply)

    def write_events(
        self, events: Sequence[Event], *, request: Request | None = None, reply: bytes = b""
    ) -> EventsWritten:
        """As `Store.write_events`."""

        def work(connection: apsw.Connection) -> EventsWritten:
            return transaction.write_events(connection, events)

        return self._once(work, EventsWritten, request, reply)

    def update_offers(
        self,
        updates: Sequence[OfferUpdate],
        *,
        request: Request | None = None,
        reply: bytes = b"",
    ) -> OffersWritten:
        """As `Store.update_offers`."""

        def work(connection: apsw.Connection) -> OffersWritten:
            return transaction.update_offers(connection, updates, self._now_us())

        return self._once(work, OffersWritten, request, reply)

    def keep_reply(self, request: Request, reply: bytes) -> None:
        """As `Store.keep_reply`."""

        def work(connection: apsw.Connection) -> None:
            now_us = self._now_us()
            transaction.find_request(connection, request, now_us)
            self._keep(connection, request, None, reply, now_us)

        self._write(work)

    def _once(
        self,
        work: Callable[[apsw.Connection], _Outcome],
        kind: type[_Outcome],
        request: Request | None,
        reply: bytes,
    ) -> _Outcome:
        """The outcome of a write, or of the first one with the same request id."""

        def once(connection: apsw.Connection) -> _Outcome:
            if request is None:
                return work(connection)
            now_us = self._now_us()
            known = transaction.find_outcome(connection, request, kind, now_us)
            if known is not None:
                return known
            written = work(connection)
            self._keep(connection, request, written, reply, now_us)
            return written

        return self._write(once)

    def _write(self, work: Callable[[apsw.Connection], _Result]) -> _Result:
        try:
            return self._commit.submit(work).result()
        except (UnicodeEncodeError, OverflowError, apsw.TooBigError) as error:
            raise InvalidArgumentError("", f"cannot be stored: {error}") from error

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
