"""The change log in PostgreSQL."""

from collections.abc import Iterable
from dataclasses import dataclass

from relatum_server.store import chain
from relatum_server.store.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class PostgresLog:
    """`chain.Log` over one connection."""

    connection: Connection

    def head(self) -> chain.Head:
        """As `Log.head`."""
        row = self.connection.execute(
            "SELECT revision, link FROM change_log ORDER BY revision DESC LIMIT 1"
        ).fetchone()
        return chain.Head(0, self._root()) if row is None else chain.Head(*row)

    def link_at(self, revision: int) -> bytes | None:
        """As `Log.link_at`."""
        if revision == 0:
            return self._root()
        row = self.connection.execute(
            "SELECT link FROM change_log WHERE revision = %s", (revision,)
        ).fetchone()
        return None if row is None else row[0]

    def records(self, after: int) -> Iterable[chain.Record]:
        """As `Log.records`."""
        with self.connection.transaction(), self.connection.cursor("records") as cursor:
            cursor.execute(
                "SELECT revision, kind, payload, link FROM change_log WHERE revision > %s"
                " ORDER BY revision",
                (after,),
            )
            yield from cursor

    def is_guarded(self) -> bool:
        """As `Log.is_guarded`: PostgreSQL is noted by each server that was there, so never."""
        return False

    def set_guarded(self) -> None:
        """As `Log.set_guarded`."""

    def _root(self) -> bytes:
        row = self.connection.execute("SELECT store_id FROM identity").fetchone()
        return chain.root(b"" if row is None else row[0])
