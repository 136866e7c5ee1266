"""Read-only connections, each used by one caller at a time; a read never waits for a write."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import apsw

from relatum_server.errors import InvalidArgumentError, UnavailableError
from relatum_server.store.connection import is_fatal, open_reader, translate

_IDLE: Final = 16


class ReaderPool:
    """Hands out connections; opens another when all are in use, so it has no limit to wait at."""

    def __init__(self, path: Path, on_damage: Callable[[Exception], None]) -> None:
        """Read the database at `path`; `on_damage` hears of failed disks and damaged pages."""
        self._path = path
        self._on_damage = on_damage
        self._lock = threading.Lock()
        self._idle: list[apsw.Connection] = []
        self._closed = False

    @contextmanager
    def read(self) -> Iterator[apsw.Connection]:
        """A connection in a transaction: its snapshot is that of the first query.

        Raises:
            UnavailableError: closed.
            InvalidArgumentError: a value that SQLite cannot compare (not Unicode, over 64 bits).
            StoreError: the disk failed or the file is damaged.
        """
        connection = self._borrow()
        try:
            connection.execute("BEGIN")
            yield connection
        except apsw.Error as error:
            failure = translate(error, self._path)
            if is_fatal(error):
                self._on_damage(failure)
            raise failure from error
        except (UnicodeEncodeError, OverflowError) as error:
            raise InvalidArgumentError("", f"cannot be looked up: {error}") from error
        finally:
            self._give_back(connection)

    def close(self) -> None:
        """Close what is idle; what is in use closes when it is given back. Safe twice."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _borrow(self) -> apsw.Connection:
        with self._lock:
            if self._closed:
                raise UnavailableError("the store is closed; retry on another server")
            if self._idle:
                return self._idle.pop()
        return open_reader(self._path)

    def _give_back(self, connection: apsw.Connection) -> None:
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            with self._lock:
                if not self._closed and len(self._idle) < _IDLE:
                    self._idle.append(connection)
                    return
        except apsw.Error as error:
            if is_fatal(error):
                self._on_damage(translate(error, self._path))
        connection.close()
