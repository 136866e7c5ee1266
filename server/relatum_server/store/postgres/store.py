"""`Store` on PostgreSQL, which several servers share."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

import psycopg

from relatum_server.domain import Event, OfferUpdate
from relatum_server.errors import InvalidArgumentError
from relatum_server.store.base import (
    EventsWritten,
    OffersWritten,
    ProductPut,
    ProductsWritten,
    Request,
    Written,
)
from relatum_server.store.guard import Guard, check_key
from relatum_server.store.postgres import transaction
from relatum_server.store.postgres.commit import PostgresCommit
from relatum_server.store.postgres.connection import (
    Connection,
    Durability,
    connect,
    place,
    translate,
)
from relatum_server.store.postgres.log import PostgresLog
from relatum_server.store.postgres.reads import PostgresReads
from relatum_server.store.postgres.schema import LOCK, migrate

_Result = TypeVar("_Result")
_Outcome = TypeVar("_Outcome", ProductsWritten, EventsWritten, OffersWritten)

_PRUNE_US: Final = 60 * 1_000_000


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


class PostgresStore(PostgresReads):
    """`Store` on PostgreSQL."""

    def __init__(self, url: str, commit: PostgresCommit, clock: Callable[[], float]) -> None:
        """Use `open_postgres`."""
        super().__init__(url, clock)
        self._commit = commit
        self._pruned_us = 0

    @property
    def failure(self) -> Exception | None:
        """What stopped all writing for good, or None."""
        return self._commit.failure

    def close(self) -> None:
        """Finish what was accepted and release the connections. Safe twice."""
        self._commit.close()
        super().close()

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


def _check_key(connection: Connection, key_check: bytes, where: str) -> None:
    """Keep the digest of the first server's key; later servers must have the same."""
    with connection.transaction():
        connection.execute(LOCK)
        row = connection.execute("SELECT key_check FROM identity").fetchone()
        if check_key(None if row is None else row[0], key_check, where):
            connection.execute("UPDATE identity SET key_check = %s", (key_check,))
