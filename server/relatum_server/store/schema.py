"""The SQLite schema as numbered steps. A step that was released is never edited; add the next."""

import hashlib
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import apsw

from relatum_server.errors import StoreError
from relatum_server.store import chain

APPLICATION_ID: Final = 0x72656C61  # "rela", so that another program's database is not taken

MIGRATIONS: Final = (
    # 1: catalogue, events, change log, idempotency. Users are numbered so that their index is a
    # quarter of what hashes would make it: a write of events pays for each page it touches.
    # AUTOINCREMENT: a key, row or revision is never given twice, deleted or not.
    """
    CREATE TABLE products (
        key INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        etag TEXT NOT NULL,
        payload BLOB NOT NULL
    ) STRICT;
    CREATE TABLE vectors (
        key INTEGER PRIMARY KEY REFERENCES products (key) ON DELETE CASCADE,
        encoder_id TEXT NOT NULL,
        text_hash BLOB NOT NULL,
        packed_f16 BLOB NOT NULL
    ) STRICT;
    CREATE TABLE users (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        hash TEXT NOT NULL UNIQUE
    ) STRICT;
    CREATE TABLE events (
        row INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        user INTEGER REFERENCES users (number),
        session TEXT NOT NULL,
        time_us INTEGER NOT NULL,
        sequence INTEGER NOT NULL,
        type INTEGER NOT NULL,
        payload BLOB NOT NULL
    ) STRICT;
    CREATE INDEX events_of_user ON events (user, time_us, sequence, row) WHERE user IS NOT NULL;
    CREATE TABLE change_log (
        revision INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL,
        payload BLOB NOT NULL
    ) STRICT;
    CREATE TABLE requests (
        rpc TEXT NOT NULL,
        request_id TEXT NOT NULL,
        body_hash BLOB NOT NULL,
        outcome BLOB,
        reply BLOB,
        time_us INTEGER NOT NULL,
        PRIMARY KEY (rpc, request_id)
    ) STRICT;
    CREATE INDEX requests_by_time ON requests (time_us);
    """,
    # 2: records of the change log are chained by hash, and the store knows itself by a number of
    # its own. `guarded`: the file of what was acknowledged has been made. `key_check`: a digest by
    # the shopper key.
    """
    CREATE TABLE identity (
        store_id BLOB NOT NULL,
        guarded INTEGER NOT NULL,
        key_check BLOB
    ) STRICT;
    ALTER TABLE change_log ADD COLUMN link BLOB NOT NULL DEFAULT x'';
    ALTER TABLE migrations ADD COLUMN checksum BLOB;
    """,
)


def migrate(connection: apsw.Connection, path: Path) -> None:
    """Bring the database to the newest schema, each step in a transaction of its own.

    Raises:
        StoreError: the database is another program's, or a newer relatum wrote it.
    """
    applied = _applied(connection, path)
    for number, script in enumerate(MIGRATIONS[applied:], start=applied + 1):
        with connection:
            connection.execute(script)
            if (then := _THEN.get(number)) is not None:
                then(connection)
            connection.execute(
                "INSERT INTO migrations (number, applied_time_us) VALUES (?, ?)",
                (number, time.time_ns() // 1_000),
            )
            if number >= _WITH_CHECKSUMS:
                _keep_checksums(connection)


def _applied(connection: apsw.Connection, path: Path) -> int:
    """How many steps the database has taken; a fresh one becomes ours."""
    application = connection.pragma("application_id")
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").get
    if application != APPLICATION_ID:
        if application or tables:
            raise StoreError(f"database {path} belongs to another program; give another --data-dir")
        with connection:
            connection.execute(
                "CREATE TABLE migrations"
                " (number INTEGER PRIMARY KEY, applied_time_us INTEGER NOT NULL) STRICT"
            )
            connection.pragma("application_id", APPLICATION_ID)
    applied: int = connection.execute("SELECT coalesce(max(number), 0) FROM migrations").get
    if applied > len(MIGRATIONS):
        raise StoreError(
            f"database {path} has schema {applied}, this relatum knows {len(MIGRATIONS)};"
            " start the newer relatum that wrote it"
        )
    if applied >= _WITH_CHECKSUMS:
        for number, found in connection.execute("SELECT number, checksum FROM migrations"):
            if found != _checksum(number):
                raise StoreError(
                    f"database {path} took another step {number} than this relatum knows; start the"
                    " relatum that wrote it"
                )
    return applied


def _chain_what_is_there(connection: apsw.Connection) -> None:
    store_id = secrets.token_bytes(16)
    connection.execute("INSERT INTO identity (store_id, guarded) VALUES (?, 0)", (store_id,))
    previous = chain.root(store_id)
    records: list[Any] = connection.execute(
        "SELECT revision, kind, payload FROM change_log ORDER BY revision"
    ).fetchall()
    for revision, kind, payload in records:
        previous = chain.link(previous, revision, kind, payload)
        connection.execute(
            "UPDATE change_log SET link = ? WHERE revision = ?", (previous, revision)
        )


# What a step does beyond its script; never edited after its release either.
_THEN: Final[dict[int, Callable[[apsw.Connection], None]]] = {2: _chain_what_is_there}
_WITH_CHECKSUMS: Final = 2


def _checksum(number: int) -> bytes:
    return hashlib.sha256(MIGRATIONS[number - 1].encode()).digest()


def _keep_checksums(connection: apsw.Connection) -> None:
    unsigned: list[Any] = connection.execute(
        "SELECT number FROM migrations WHERE checksum IS NULL"
    ).fetchall()
    for (number,) in unsigned:
        connection.execute(
            "UPDATE migrations SET checksum = ? WHERE number = ?", (_checksum(number), number)
        )
