"""The SQLite schema as numbered steps. A step that was released is never edited; add the next."""

import time
from pathlib import Path
from typing import Final

import apsw

from relatum_server.errors import StoreError

_APPLICATION_ID: Final = 0x72656C61  # "rela", so that another program's database is not taken

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
)


def migrate(connection: apsw.Connection, path: Path) -> None:
    """Bring the database to the newest schema, each step in a transaction of its own.

    Raises:
        StoreError: the database is another program's, or a newer relatum wrote it.
    """
    application = connection.pragma("application_id")
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").get
    if application != _APPLICATION_ID:
        if application or tables:
            raise StoreError(f"database {path} belongs to another program; give another --data-dir")
        with connection:
            connection.execute(
                "CREATE TABLE migrations"
                " (number INTEGER PRIMARY KEY, applied_time_us INTEGER NOT NULL) STRICT"
            )
            connection.pragma("application_id", _APPLICATION_ID)
    applied = connection.execute("SELECT coalesce(max(number), 0) FROM migrations").get
    if applied > len(MIGRATIONS):
        raise StoreError(
            f"database {path} has schema {applied}, this relatum knows {len(MIGRATIONS)};"
            " start the newer relatum that wrote it"
        )
    for number, script in enumerate(MIGRATIONS[applied:], start=applied + 1):
        with connection:
            connection.execute(script)
            connection.execute(
                "INSERT INTO migrations VALUES (?, ?)", (number, time.time_ns() // 1_000)
            )
