"""The PostgreSQL schema as numbered steps. A step that was released is never edited."""

import hashlib
import secrets
import time
from typing import Final

from relatum_server.errors import StoreError
from relatum_server.store.postgres.connection import Connection

# Who holds it is the only writer of the schema's tables: revisions are given and seen in one order.
LOCK: Final = "SELECT pg_advisory_xact_lock(1919249505, hashtext(current_schema()))"

MIGRATIONS: Final = (
    # 1: as SQLite's schema 2. Ids are compared by their bytes.
    """
    CREATE TABLE identity (store_id BYTEA NOT NULL, key_check BYTEA);
    CREATE TABLE products (
        key BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        id TEXT COLLATE "C" NOT NULL UNIQUE,
        etag TEXT NOT NULL,
        payload BYTEA NOT NULL
    );
    CREATE TABLE vectors (
        key BIGINT PRIMARY KEY REFERENCES products (key) ON DELETE CASCADE,
        encoder_id TEXT NOT NULL,
        text_hash BYTEA NOT NULL,
        packed_f16 BYTEA NOT NULL
    );
    CREATE TABLE users (
        number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        hash TEXT NOT NULL UNIQUE
    );
    CREATE TABLE events (
        row BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        id TEXT COLLATE "C" NOT NULL UNIQUE,
        "user" BIGINT REFERENCES users (number),
        session TEXT NOT NULL,
        time_us BIGINT NOT NULL,
        sequence BIGINT NOT NULL,
        type INTEGER NOT NULL,
        payload BYTEA NOT NULL
    );
    CREATE INDEX events_of_user ON events ("user", time_us, sequence, row)
        WHERE "user" IS NOT NULL;
    CREATE TABLE change_log (
        revision BIGINT PRIMARY KEY,
        kind TEXT NOT NULL,
        payload BYTEA NOT NULL,
        link BYTEA NOT NULL
    );
    CREATE TABLE requests (
        rpc TEXT NOT NULL,
        request_id TEXT NOT NULL,
        body_hash BYTEA NOT NULL,
        outcome BYTEA,
        reply BYTEA,
        time_us BIGINT NOT NULL,
        PRIMARY KEY (rpc, request_id)
    );
    CREATE INDEX requests_by_time ON requests (time_us);
    """,
)


def migrate(connection: Connection, where: str) -> None:
    """Bring the database to the newest schema; servers that start together wait for each other.

    Raises:
        StoreError: the schema is another program's, or a newer relatum wrote it.
    """
    with connection.transaction():
        connection.execute(LOCK)
        for number, script in enumerate(MIGRATIONS, start=1):
            if number <= _applied(connection, where):
                continue
            connection.execute(script.encode())
            connection.execute(
                "INSERT INTO migrations VALUES (%s, %s, %s)",
                (number, time.time_ns() // 1_000, _checksum(script)),
            )
            if number == 1:
                connection.execute(
                    "INSERT INTO identity (store_id) VALUES (%s)", (secrets.token_bytes(16),)
                )


def _applied(connection: Connection, where: str) -> int:
    """How many steps the schema has taken; an empty one becomes ours."""
    names = {
        row[0]
        for row in connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
        )
    }
    if "migrations" not in names:
        if names & {"products", "events", "change_log"}:
            raise StoreError(f"PostgreSQL at {where} holds another program's tables; give another")
        connection.execute(
            "CREATE TABLE migrations (number INTEGER PRIMARY KEY,"
            " applied_time_us BIGINT NOT NULL, checksum BYTEA NOT NULL)"
        )
        return 0
    taken = connection.execute("SELECT number, checksum FROM migrations ORDER BY number").fetchall()
    if len(taken) > len(MIGRATIONS):
        raise StoreError(
            f"PostgreSQL at {where} has schema {len(taken)}, this relatum knows"
            f" {len(MIGRATIONS)}; start the newer relatum that wrote it"
        )
    for (number, found), script in zip(taken, MIGRATIONS, strict=False):
        if found != _checksum(script):
            raise StoreError(
                f"PostgreSQL at {where} took another step {number} than this relatum knows; start"
                " the relatum that wrote it"
            )
    return len(taken)


def _checksum(script: str) -> bytes:
    return hashlib.sha256(script.encode()).digest()
