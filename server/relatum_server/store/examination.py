"""Reads all of a store and says what of it is not as it was written; changes nothing."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import apsw
import numpy as np
from numpy.typing import NDArray

from relatum_server.errors import StoreError
from relatum_server.store import chain
from relatum_server.store.acknowledged import Acknowledged, acknowledged_file
from relatum_server.store.codec import decode_event, decode_product
from relatum_server.store.connection import open_reader, translate
from relatum_server.store.directory import RESTORING
from relatum_server.store.guard import remedy
from relatum_server.store.identity import ShopperKey
from relatum_server.store.records import decode_change
from relatum_server.store.sqlite_log import SqliteLog

_LENGTH_TOLERANCE = 0.01


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one part.

    Attributes:
        part: of the data directory.
        sound: whether it is as it should be.
        text: what was found.
        remedy: what to do; "" where nothing is.
    """

    part: str
    sound: bool
    text: str
    remedy: str = ""


def examine_store(directory: Path, key_file: Path | None = None) -> Iterator[Finding]:
    """Findings of the directory, the key, the file of what was acknowledged, and the database.

    Args:
        directory: a data directory; its server may run.
        key_file: the shopper key, where it does not lie in the directory.
    """
    database = directory / "relatum.db"
    cure = f"stop the server; {remedy(database)}"
    owner = _owner(directory)
    yield Finding("directory", True, f"in use by process {owner}" if owner else "not in use")
    if (directory / RESTORING).exists():
        yield Finding("restore", False, "was interrupted", remedy(database))
        return
    noted: chain.Head | None = None
    try:
        file = Acknowledged(acknowledged_file(database))
        noted = file.read()
        torn = "; a write of it was interrupted once, and the record before it stands"
        if noted is None:
            yield Finding("acknowledged", False, f"{file.path} is gone", cure)
        else:
            text = f"revision {noted.revision}{torn if file.torn else ''}"
            yield Finding("acknowledged", True, text)
    except StoreError as error:
        yield Finding("acknowledged", False, error.message, cure)
    try:
        with closing(open_reader(database)) as connection:
            try:
                yield from _examine_database(connection, noted, cure)
            except apsw.Error as error:
                raise translate(error, database) from error
            users: int = connection.execute("SELECT count(*) FROM users").get
            check: bytes | None = connection.execute("SELECT key_check FROM identity").get
    except StoreError as error:
        yield Finding("database", False, error.message, cure)
        return
    yield from _examine_key(key_file or directory / "user.key", users, check)


def text_vectors(
    database: Path, encoder_id: str, after_revision: int
) -> tuple[NDArray[np.int64], NDArray[np.float16]]:
    """Stored vectors of an encoder that no later revision touched.

    Args:
        database: the SQLite file.
        encoder_id: which encoder made them.
        after_revision: what was written later is left out.

    Returns:
        keys [n], ascending, and half floats [n, d].
    """
    with closing(open_reader(database)) as connection:
        later: set[int] = set()
        for row in connection.execute(
            "SELECT revision, kind, payload FROM change_log"
            " WHERE revision > ? AND kind = 'products'",
            (after_revision,),
        ):
            change = decode_change(*row)
            later.update(change.keys)
        rows = [
            (key, packed)
            for key, packed in connection.execute(
                "SELECT key, packed_f16 FROM vectors WHERE encoder_id = ? ORDER BY key",
                (encoder_id,),
            )
            if key not in later
        ]
    keys = np.array([key for key, _ in rows], np.int64)
    vectors = np.frombuffer(b"".join(packed for _, packed in rows), "<f2")
    return keys, vectors.reshape(len(keys), -1 if len(keys) else 0)


def _examine_database(
    connection: apsw.Connection, noted: chain.Head | None, cure: str
) -> Iterator[Finding]:
    said = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(3)")]
    whole = said == ["ok"]
    yield Finding("pages", whole, "all sound" if whole else "; ".join(said), "" if whole else cure)
    try:
        head = chain.verify(SqliteLog(connection))
    except StoreError as error:
        yield Finding("change log", False, error.message, cure)
    else:
        yield Finding("change log", True, f"{head.revision} records, chained")
        if noted is not None and (
            head.revision < noted.revision
            or SqliteLog(connection).link_at(noted.revision) != noted.link
        ):
            text = f"ends at revision {head.revision}; revision {noted.revision} was acknowledged"
            yield Finding("history", False, text, cure)
    yield from _examine_rows(connection, cure)


def _examine_rows(connection: apsw.Connection, cure: str) -> Iterator[Finding]:
    products = events = 0
    try:
        for (payload,) in connection.execute("SELECT payload FROM products"):
            decode_product(payload)
            products += 1
        for columns in connection.execute(
            "SELECT id, type, coalesce(hash, ''), session, time_us, sequence, payload"
            " FROM events LEFT JOIN users ON number = user"
        ):
            decode_event(columns)
            events += 1
    except StoreError as error:
        yield Finding("rows", False, error.message, cure)
        return
    yield Finding("rows", True, f"{products} products, {events} events")
    vectors = wrong = 0
    for (packed,) in connection.execute("SELECT packed_f16 FROM vectors"):
        length = float(np.linalg.norm(np.frombuffer(packed, "<f2").astype(np.float32)))
        vectors += 1
        wrong += not abs(length - 1) < _LENGTH_TOLERANCE  # a NaN is wrong too
    if wrong:
        yield Finding("vectors", False, f"{wrong} of {vectors} are no directions", cure)
    else:
        yield Finding("vectors", True, f"{vectors} of length 1")


def _examine_key(path: Path, users: int, check: bytes | None) -> Iterator[Finding]:
    cure = "put the one of this directory back, or name it: --user-key-file"
    if not path.exists():
        if users:
            text = f"{path} is gone, and {users} shoppers are stored under it"
            yield Finding("shopper key", False, text, cure)
        return
    try:
        key = ShopperKey.load_or_create(path)
    except StoreError as error:
        yield Finding("shopper key", False, error.message, cure)
        return
    if check is not None and key.check != check:
        yield Finding("shopper key", False, f"{path} is of another directory", cure)
    else:
        yield Finding("shopper key", True, str(path))


def _owner(directory: Path) -> str:
    """The process that holds the directory, or ""."""
    try:
        lock = os.open(directory / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.pread(lock, 32, 0).decode("ascii", "replace").strip() or "unknown"
    finally:
        os.close(lock)
    return ""
