"""Stores in a real PostgreSQL, each in a schema of its own."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from relatum_server.store.postgres.store import PostgresStore, open_postgres
from tests.conftest import skip_or_fail
from tests.postgres import PostgresServer, binaries
from tests.unit.server.store.conftest import Clock

KEY_CHECK = b"k" * 32


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A server for all tests; one that stops it starts it again."""
    if binaries() is None:
        skip_or_fail("postgres", "there is no PostgreSQL on this machine")
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    """A schema of this test alone."""
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}".encode())
    return postgres.of_schema(name)


@pytest.fixture
def clock() -> Clock:
    """The clock of `store`."""
    return Clock()


@pytest.fixture
def open_store(url: str, tmp_path: Path, clock: Clock) -> Iterator[Callable[..., PostgresStore]]:
    """`open_store(name)`: a server's store over the schema, with a directory of its own."""
    with ExitStack() as open_ones:

        def one(name: str = "one", **rest: object) -> PostgresStore:
            folder = tmp_path / name
            folder.mkdir(exist_ok=True)
            store = open_postgres(url, folder, KEY_CHECK, clock=clock, **rest)  # type: ignore[arg-type]
            open_ones.callback(store.close)
            return store

        yield one


@pytest.fixture
def store(open_store: Callable[..., PostgresStore]) -> PostgresStore:
    """An empty one."""
    return open_store()
