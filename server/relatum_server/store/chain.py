"""The change log's chain of hashes: a record vouches for all that came before it."""

import hashlib
from dataclasses import dataclass
from typing import Final

import apsw

from relatum_server.errors import StoreError

HASH_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a change log: its highest revision, and the hash of the record of that."""

    revision: int
    link: bytes


def link(previous: bytes, revision: int, kind: str, payload: bytes) -> bytes:
    """SHA-256 of a record and of the one before it, 32 bytes."""
    digest = hashlib.sha256(previous)
    digest.update(revision.to_bytes(8, "big"))
    digest.update(kind.encode() + b"\0")
    digest.update(payload)
    return digest.digest()


def root(store_id: bytes) -> bytes:
    """What the first record is linked to: two stores never share a chain."""
    return hashlib.sha256(b"relatum.v1/change-log" + store_id).digest()


def head(connection: apsw.Connection) -> Head:
    """The end of the log as this connection sees it; revision 0 for an empty one."""
    row = connection.execute(
        "SELECT revision, link FROM change_log ORDER BY revision DESC LIMIT 1"
    ).fetchone()
    if row is not None:
        return Head(*row)
    return Head(0, root(connection.execute("SELECT store_id FROM identity").get))


def link_at(connection: apsw.Connection, revision: int) -> bytes | None:
    """The hash at a revision, of 0 the root; None where the log does not have it."""
    if revision == 0:
        return root(connection.execute("SELECT store_id FROM identity").get)
    found: bytes | None = connection.execute(
        "SELECT link FROM change_log WHERE revision = ?", (revision,)
    ).get
    return found


def verify(connection: apsw.Connection, after: int = 0) -> Head:
    """Follow the chain from a revision to its end, which is returned.

    Raises:
        StoreError: a record is missing, or is not as it was written.
    """
    previous = link_at(connection, after)
    revision = after
    if previous is not None:
        for revision, kind, payload, found in connection.execute(
            "SELECT revision, kind, payload, link FROM change_log WHERE revision > ?"
            " ORDER BY revision",
            (after,),
        ):
            if revision != after + 1 or found != link(previous, revision, kind, payload):
                previous = None
                break
            after, previous = revision, found
    if previous is None:
        raise StoreError(
            f"the change log is damaged at revision {revision}: a record is missing or is not as it"
            " was written; restore the database from a backup"
        )
    return Head(after, previous)
