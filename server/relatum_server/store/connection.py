"""SQLite connections: page checksums, WAL, durability, and SQLite's errors in our words."""

import os
import threading
from pathlib import Path
from typing import Final, Literal

import apsw
import apsw.sqlite_extra

from relatum_server.errors import RelatumError, ResourceExhaustedError, StoreError

Durability = Literal["full", "relaxed"]

CHECKSUM_VFS: Final = "cksmvfs"
VFS_NAME = CHECKSUM_VFS  # which tests of failing disks put another in front of
_CHECKSUM_BYTES: Final = 8
_BUSY_MS: Final = 5_000
_CACHE_KIB: Final = 65_536
_vfs_lock: Final = threading.Lock()

# After one of these nothing that SQLite says about the file can be believed.
_FATAL: Final = (
    apsw.IOError,
    apsw.CorruptError,
    apsw.NotADBError,
    apsw.ReadOnlyError,
    apsw.CantOpenError,
    apsw.NoLFSError,
)


def open_writer(path: Path, durability: Durability) -> apsw.Connection:
    """Open for writing, making the file if it is missing.

    Raises:
        StoreError: not a database, damaged, without page checksums, or not writable.
    """
    load_checksums()
    try:
        fresh = not path.exists() or path.stat().st_size == 0
        connection = apsw.Connection(
            os.fspath(path),
            flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE,
            vfs=VFS_NAME,
        )
        try:
            _prepare_writer(connection, path, durability, fresh=fresh)
        except BaseException:
            connection.close()
            raise
    except (apsw.Error, OSError, ValueError) as error:
        raise translate(error, path) from error
    return connection


def set_durability(connection: apsw.Connection, durability: Durability) -> None:
    """Sync each commit, or only checkpoints."""
    connection.pragma("synchronous", "full" if durability == "full" else "normal")


def open_reader(path: Path) -> apsw.Connection:
    """Open for reading a file that `open_writer` made; StoreError if that fails."""
    load_checksums()
    try:
        connection = apsw.Connection(os.fspath(path), flags=apsw.SQLITE_OPEN_READONLY, vfs=VFS_NAME)
        connection.set_busy_timeout(_BUSY_MS)
        connection.pragma("mmap_size", 0)
    except apsw.Error as error:
        raise translate(error, path) from error
    return connection


def is_fatal(error: BaseException) -> bool:
    """Whether the store must stop writing: I/O failed or the file is damaged."""
    return isinstance(error, _FATAL)


def translate(error: Exception, path: Path) -> RelatumError:
    """SQLite's error in our words, for the log and the caller."""
    if isinstance(error, apsw.FullError):
        return ResourceExhaustedError(
            "the disk that holds the data directory is full; free space, then retry",
            retry_after_s=5.0,
            reason="STORAGE_FULL",
        )
    if isinstance(error, (apsw.NotADBError, apsw.CorruptError)) or (
        isinstance(error, apsw.IOError)
        and getattr(error, "extendedresult", 0) == apsw.SQLITE_IOERR_DATA
    ):
        return StoreError(f"database {path} is damaged ({error}); restore it from a backup")
    if isinstance(error, (apsw.CantOpenError, apsw.ReadOnlyError)):
        return StoreError(
            f"database {path} cannot be opened for writing ({error});"
            " give a --data-dir that this user can write to"
        )
    return StoreError(f"database {path}: {error}; check the disk, then restart the server")


def load_checksums() -> None:
    """Register the checksumming VFS, once a process and before the first open."""
    with _vfs_lock:
        if CHECKSUM_VFS in apsw.vfs_names():
            return
        carrier = apsw.Connection(":memory:")
        try:
            apsw.sqlite_extra.load(carrier, "cksumvfs")
        except (apsw.Error, apsw.sqlite_extra.NotAvailable) as error:
            raise StoreError(
                f"SQLite's page checksums cannot be loaded ({error});"
                " reinstall apsw from a wheel that ships sqlite_extra"
            ) from error
        finally:
            carrier.close()


def _prepare_writer(
    connection: apsw.Connection, path: Path, durability: Durability, *, fresh: bool
) -> None:
    connection.set_busy_timeout(_BUSY_MS)
    connection.pragma("mmap_size", 0)  # a mapped page would be read past its checksum
    if fresh:
        connection.reserve_bytes(reserve=_CHECKSUM_BYTES)
    connection.pragma("journal_mode", "wal")
    set_durability(connection, durability)
    connection.pragma("cache_size", -_CACHE_KIB)
    connection.pragma("foreign_keys", "on")
    connection.wal_autocheckpoint(0)  # its errors would be swallowed: see commit.py
    if not fresh:
        connection.pragma("schema_version")  # reads page 1
        if connection.reserve_bytes() != _CHECKSUM_BYTES:
            raise StoreError(
                f"database {path} was not made by relatum (no page checksums);"
                " give another --data-dir"
            )
        return
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)  # SQLite does not make the new file's name durable
    finally:
        os.close(directory)
