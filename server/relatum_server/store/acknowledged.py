"""The highest acknowledged revision, kept in a file apart from the database.

A database that is replaced by an older copy of itself is sound by every checksum in it. This file
tells it from the one whose writes were acknowledged.
"""

import hashlib
import os
import struct
from pathlib import Path
from typing import Final

from relatum_server.errors import StoreError
from relatum_server.store.chain import HASH_BYTES, Head

MAGIC: Final = b"relatum1"
SECTOR: Final = 4096  # a torn write spoils one of the two
_RECORD: Final = struct.Struct(f">8sQ{HASH_BYTES}s")
_DIGEST_BYTES: Final = 16


def acknowledged_file(database: Path) -> Path:
    """Where it lies, beside the database."""
    return database.with_suffix(".acknowledged")


class Acknowledged:
    """Two records in sectors of their own, written in turn, so that one is always whole."""

    def __init__(self, path: Path) -> None:
        """Take a file's path; nothing is opened yet."""
        self.path = path
        self.torn = False  # one of the records is not whole: a write that power loss interrupted
        self._descriptor: int | None = None
        self._turn = 0

    def read(self) -> Head | None:
        """What was acknowledged last; None where there is no file.

        Raises:
            StoreError: neither record is whole, or the file cannot be read.
        """
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"{self.path}: {error.strerror}; check the disk") from error
        found = [_decode(data[start : start + SECTOR]) for start in (0, SECTOR)]
        self.torn = None in found
        whole = [(head.revision, turn, head) for turn, head in enumerate(found) if head is not None]
        if not whole or len(data) != 2 * SECTOR:
            raise StoreError(
                f"{self.path} is damaged: it does not say what was acknowledged; restore the data"
                " directory from a backup"
            )
        _, turn, head = max(whole, key=lambda one: one[0])
        self._turn = 1 - turn
        return head

    def write(self, head: Head) -> None:
        """Make a head durable, over the older of the two.

        Raises:
            OSError: the disk failed, or is full.
        """
        record = _RECORD.pack(MAGIC, head.revision, head.link)
        record = (record + _digest(record)).ljust(SECTOR, b"\0")
        if self._descriptor is None:
            self._descriptor = self._open(record)
        os.pwrite(self._descriptor, record, self._turn * SECTOR)
        os.fdatasync(self._descriptor)
        self._turn = 1 - self._turn

    def close(self) -> None:
        """Safe twice."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _open(self, record: bytes) -> int:
        """The file's descriptor; a new file is whole before it has its name."""
        if not self.path.exists():
            temporary = self.path.with_name(f"{self.path.name}.tmp")
            with temporary.open("wb") as file:
                file.write(record * 2)
                file.flush()
                os.fsync(file.fileno())
            temporary.chmod(0o600)
            temporary.rename(self.path)
            folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        return os.open(self.path, os.O_RDWR | os.O_CLOEXEC)


def _decode(sector: bytes) -> Head | None:
    """The head of a whole sector; None for any other bytes."""
    record, rest = sector[: _RECORD.size], sector[_RECORD.size :]
    if len(sector) < SECTOR or rest != _digest(record).ljust(len(rest), b"\0"):
        return None
    magic, revision, link = _RECORD.unpack(record)
    return Head(revision, link) if magic == MAGIC else None


def _digest(record: bytes) -> bytes:
    return hashlib.sha256(record).digest()[:_DIGEST_BYTES]
