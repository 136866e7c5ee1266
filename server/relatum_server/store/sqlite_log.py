"""The change log in SQLite."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import apsw

from relatum_server.store import chain


@dataclass(frozen=True, slots=True)
class SqliteLog:
    """`chain.Log` over one connection."""

    connection: apsw.Connection

    def head(self) -> chain.Head:
        """As `Log.head`."""
        row: Any = self.connection.execute(
            "SELECT revision, link FROM change_log ORDER BY revision DESC LIMIT 1"
        ).fetchone()
        return chain.Head(0, self._root()) if row is None else chain.Head(*row)

    def link_at(self, revision: int) -> bytes | None:
        """As `Log.link_at`."""
        if revision == 0:
            return self._root()
        found: bytes | None = self.connection.execute(
            "SELECT link FROM change_log WHERE revision = ?", (revision,)
        ).get
        return found

    def records(self, after: int) -> Iterable[chain.Record]:
        """As `Log.records`."""
        rows: Any = self.connection.execute(
            "SELECT revision, kind, payload, link FROM change_log WHERE revision > ?"
            " ORDER BY revision",
            (after,),
        )
        return rows  # type: ignore[no-any-return]

    def is_guarded(self) -> bool:
        """As `Log.is_guarded`."""
        return bool(self.connection.execute("SELECT guarded FROM identity").get)

    def set_guarded(self) -> None:
        """As `Log.set_guarded`."""
        self.connection.execute("UPDATE identity SET guarded = 1")

    def _root(self) -> bytes:
        return chain.root(self.connection.execute("SELECT store_id FROM identity").get)
