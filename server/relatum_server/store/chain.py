"""The change log's chain of hashes: a record vouches for all that came before it."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from relatum_server.errors import StoreError

HASH_BYTES: Final = 32
Record = tuple[int, str, bytes, bytes]  # revision, kind, payload, link


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a change log: its highest revision, and the hash of the record of that."""

    revision: int
    link: bytes


class Log(Protocol):
    """A change log as one connection sees it."""

    def head(self) -> Head:
        """Its end; revision 0, linked to the root, for an empty one."""
        ...

    def link_at(self, revision: int) -> bytes | None:
        """The hash at a revision, of 0 the root; None where the log does not have it."""
        ...

    def records(self, after: int) -> Iterable[Record]:
        """The records after a revision, in their order."""
        ...

    def is_guarded(self) -> bool:
        """Whether what is acknowledged was noted apart once: then a note must be there."""
        ...

    def set_guarded(self) -> None:
        """Remember that it was."""
        ...


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


def verify(log: Log, after: int = 0) -> Head:
    """Follow the chain from a revision to its end, which is returned.

    Raises:
        StoreError: a record is missing, or is not as it was written.
    """
    previous = log.link_at(after)
    revision = after
    if previous is not None:
        for revision, kind, payload, found in log.records(after):
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
