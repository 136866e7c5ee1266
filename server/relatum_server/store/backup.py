"""A copy of a store in a folder of its own, made while the server writes."""

import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import apsw
import msgspec

from relatum_server.errors import StoreError
from relatum_server.store import chain
from relatum_server.store.acknowledged import Acknowledged, acknowledged_file
from relatum_server.store.connection import open_reader, open_writer, translate
from relatum_server.store.sqlite_log import SqliteLog

VERSION: Final = 1
MANIFEST: Final = "backup.json"


class Manifest(msgspec.Struct, frozen=True):
    """What a backup holds; written last, with its own hash in a second line."""

    version: int
    revision: int
    link: str
    time_us: int
    products: int
    events: int
    sha256: dict[str, str]


def back_up(directory: Path, out: Path, *, with_key: bool = True) -> Manifest:
    """Copy the store of a data directory, from one snapshot; a server may be writing to it.

    Args:
        directory: the data directory.
        out: a folder that does not exist yet.
        with_key: also copy the shopper key that lies in the directory; who keeps it elsewhere backs
            it up there.

    Raises:
        StoreError: no store, damaged, older than what was acknowledged; `out` exists, or the disk
            failed.
    """
    database = directory / "relatum.db"
    if not database.is_file():
        raise StoreError(f"{directory} holds no store; give the --data-dir of a server")
    if out.exists():
        raise StoreError(f"{out} exists; give --out a name that is free")
    noted = Acknowledged(acknowledged_file(database)).read()
    building = out.with_name(f".{out.name}.tmp")
    shutil.rmtree(building, ignore_errors=True)
    try:
        building.mkdir(mode=0o700, parents=True)
        copy = building / database.name
        _copy_database(database, copy)
        manifest = _described(copy)
        if noted is not None and manifest.revision < noted.revision:
            raise StoreError(
                f"database {database} ends at revision {manifest.revision}, and revision"
                f" {noted.revision} was acknowledged; restore an earlier backup"
            )
        Acknowledged(acknowledged_file(copy)).write(
            chain.Head(manifest.revision, bytes.fromhex(manifest.link))
        )
        key = directory / "user.key"
        if with_key and key.is_file():
            shutil.copy2(key, building / key.name)
        digests = {file.name: _sha256(file) for file in sorted(building.iterdir())}
        manifest = msgspec.structs.replace(manifest, sha256=digests)
        body = msgspec.json.encode(manifest)
        (building / MANIFEST).write_bytes(body + b"\n" + _hex(body) + b"\n")
        sync_all(building)
        building.rename(out)
        sync(out.parent)
    except OSError as error:
        raise StoreError(f"{out}: {error.strerror}; give --out a disk with room") from error
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return manifest


def read_manifest(backup: Path) -> Manifest:
    """The manifest of a backup whose files are all as they were written.

    Raises:
        StoreError: not a backup, damaged, or of a newer relatum.
    """
    try:
        body, written, *_ = (backup / MANIFEST).read_bytes().split(b"\n")
        if written != _hex(body):
            raise StoreError(f"{backup / MANIFEST} is damaged; take another backup")
        manifest = msgspec.json.decode(body, type=Manifest)
    except (OSError, ValueError) as error:  # msgspec's errors are ValueErrors
        raise StoreError(
            f"{backup} is not a backup that is whole: {error}; give --from a folder that"
            " `relatum-server backup` wrote"
        ) from error
    if manifest.version != VERSION:
        raise StoreError(f"{backup} has version {manifest.version}; use the relatum that wrote it")
    for name, digest in manifest.sha256.items():
        try:
            found = _sha256(backup / name)
        except OSError as error:
            raise StoreError(f"{backup / name}: {error.strerror}; take another backup") from error
        if found != digest:
            raise StoreError(f"{backup / name} is damaged; take another backup")
    return manifest


def _copy_database(database: Path, copy: Path) -> None:
    with closed(open_writer(copy, "full")) as target, closed(open_reader(database)) as source:
        try:
            with target.backup("main", source, "main") as copying:
                copying.step(-1)
            # One file: no log beside it that a copy could forget.
            target.pragma("journal_mode", "delete")
        except apsw.Error as error:
            raise translate(error, database) from error


def _described(copy: Path) -> Manifest:
    with closed(open_reader(copy)) as connection:
        try:
            head = chain.verify(SqliteLog(connection))
            products: int = connection.execute("SELECT count(*) FROM products").get
            events: int = connection.execute("SELECT count(*) FROM events").get
        except apsw.Error as error:
            raise translate(error, copy) from error
    now_us = time.time_ns() // 1_000
    return Manifest(VERSION, head.revision, head.link.hex(), now_us, products, events, {})


@contextmanager
def closed(connection: apsw.Connection) -> Iterator[apsw.Connection]:
    """Close a connection after a block."""
    try:
        yield connection
    finally:
        connection.close()


def _hex(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode()


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sync_all(folder: Path) -> None:
    """Make a folder's files and their names durable."""
    for file in folder.iterdir():
        sync(file)
    sync(folder)


def sync(path: Path) -> None:
    """Make a file, or the names in a folder, durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
