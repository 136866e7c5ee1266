"""PostgreSQL connections: what is asked of the server, and its errors in our words."""

import re
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import psycopg
from psycopg import errors

from relatum_server.errors import (
    InvalidArgumentError,
    RelatumError,
    ResourceExhaustedError,
    StoreError,
    UnavailableError,
)

Connection = psycopg.Connection[Any]
Durability = Literal["full", "relaxed"]

LEAST_VERSION: Final = 130_000
CONNECT_TIMEOUT_S: Final = 5
_LOST: Final = (
    errors.OperationalError,
    errors.InterfaceError,
    errors.IdleInTransactionSessionTimeout,
)


def connect(url: str, durability: Durability = "full", *, reading: bool = False) -> Connection:
    """A connection that is checked and set up; a reader's transactions are snapshots.

    Raises:
        StoreError: too old, or not in UTF-8.
        UnavailableError: it cannot be reached.
    """
    try:
        connection = psycopg.connect(
            url, connect_timeout=CONNECT_TIMEOUT_S, autocommit=True, application_name="relatum"
        )
        try:
            set_up(connection, durability, reading=reading)
        except BaseException:
            connection.close()
            raise
    except psycopg.Error as error:
        raise translate(error, url) from error
    return connection


def set_up(connection: Connection, durability: Durability = "full", *, reading: bool) -> None:
    """Check a connection and set it up; raises as `connect` does, or psycopg's errors."""
    version = connection.info.server_version
    if version < LEAST_VERSION:
        raise StoreError(
            f"PostgreSQL {version // 10_000} is too old; relatum needs {LEAST_VERSION // 10_000}"
        )
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise StoreError(f"the PostgreSQL database is in {encoding}; make one in UTF8")
    if reading:
        connection.read_only = True
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    else:
        level = "on" if durability == "full" else "off"
        connection.execute(f"SET synchronous_commit = {level}")
        # One that stops while it holds the schema's lock must not hold up the others for ever.
        connection.execute("SET lock_timeout = '10s'")
        connection.execute("SET idle_in_transaction_session_timeout = '10s'")


def is_lost(error: BaseException) -> bool:
    """Whether the connection is gone, and another one may work."""
    return isinstance(error, _LOST) and not isinstance(error, errors.DiskFull)


def translate(error: Exception, url: str) -> RelatumError:
    """PostgreSQL's error in our words, for the log and the caller; without the password."""
    cause = " ".join(str(error).split())
    if isinstance(error, errors.DiskFull):
        return ResourceExhaustedError(
            "the disk of PostgreSQL is full; free space, then retry",
            retry_after_s=5.0,
            reason="STORAGE_FULL",
        )
    if isinstance(error, errors.ReadOnlySqlTransaction):
        return UnavailableError(f"PostgreSQL at {place(url)} takes no writes: {cause}")
    if isinstance(error, errors.DataError):
        return InvalidArgumentError("", f"cannot be stored: {cause}")
    if is_lost(error):
        return UnavailableError(
            f"PostgreSQL at {place(url)} cannot be reached ({_without_secrets(cause)}); retry later"
        )
    return StoreError(f"PostgreSQL at {place(url)}: {cause}; check its log")


def place(url: str) -> str:
    """Host and database of a URL, without who asks."""
    parts = urlsplit(url)
    return f"{parts.hostname or 'localhost'}{parts.path}"


def _without_secrets(text: str) -> str:
    return re.sub(r"//[^@/ ]*@", "//", text)
