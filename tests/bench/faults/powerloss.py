"""Power loss: bytes that were written and not synced may be there or not, each for itself.

SQLite writes through a VFS that keeps, for each file, its content at the last sync and what was
written since. At chosen moments the disk is drawn as a power loss could leave it.
"""

import os
import random
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw

from relatum_server.store import connection as sqlite_connection
from relatum_server.store.connection import Durability
from relatum_server.store.sqlite import open_sqlite
from tests.bench.faults.writing import Line, lost, opened, write

VFS = "losing-power"
BASE = "cksmvfs"


class _EndError(Exception):
    """Enough was written."""


@dataclass
class _File:
    """A file's synced bytes and the writes since: (offset, bytes), or (length, None) for a cut."""

    synced: bytes = b""
    since: list[tuple[int, bytes | None]] = field(default_factory=list)


@dataclass
class Disk:
    """What of each file is durable, and the images drawn of it.

    Attributes:
        moments: numbers of operations at which an image is drawn.
        images: folder of each image, with what was acknowledged by then.
    """

    out: Path
    seed: int
    moments: set[int]
    files: dict[str, _File] = field(default_factory=dict)
    acknowledged: list[Line] = field(default_factory=list)
    images: list[tuple[Path, list[Line]]] = field(default_factory=list)
    operations: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)

    def step(self, name: str) -> None:
        """Count an operation, and draw the disk if it is time."""
        self.operations += 1
        if self.operations in self.moments and name:
            self._draw(Path(name).parent)

    def _draw(self, folder: Path) -> None:
        chance = random.Random(f"{self.seed}.{self.operations}")  # noqa: S311 - repeatable
        image = self.out / f"{self.seed}.{self.operations}"
        image.mkdir(parents=True)
        for name, file in self.files.items():
            content = bytearray(file.synced)
            kept = chance.random()  # of this file's writes; all, none or some
            for offset, data in file.since:
                if chance.random() >= kept:
                    continue
                if data is None:
                    del content[offset:]
                    continue
                content.extend(bytes(max(0, offset - len(content))))
                content[offset : offset + len(data)] = data
            if content or file.synced:
                (image / Path(name).name).write_bytes(content)
        note = folder / "relatum.acknowledged"  # written past the VFS, and synced by each write
        if note.exists():
            shutil.copy(note, image / note.name)
        self.images.append((image, list(self.acknowledged)))


def _files_of(disk: Disk) -> type[apsw.VFSFile]:
    class LosingFile(apsw.VFSFile):
        """Passes all on to the file, and remembers what is not synced yet."""

        def __init__(self, name: Any, flags: list[int]) -> None:
            super().__init__(BASE, name, flags)
            self._name = name.filename() if isinstance(name, apsw.URIFilename) else (name or "")
            with disk.lock:
                if self._name and self._name not in disk.files:
                    path = Path(self._name)
                    disk.files[self._name] = _File(path.read_bytes() if path.exists() else b"")

        def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - SQLite's name
            with disk.lock:
                super().xWrite(data, offset)
                # Read back: below this VFS the page gets its checksum.
                with Path(self._name).open("rb") as real:
                    raw = os.pread(real.fileno(), len(data), offset)
                disk.files[self._name].since.append((offset, raw))
                disk.step(self._name)

        def xTruncate(self, newsize: int) -> None:  # noqa: N802
            with disk.lock:
                super().xTruncate(newsize)
                disk.files[self._name].since.append((newsize, None))
                disk.step(self._name)

        def xSync(self, flags: int) -> None:  # noqa: N802
            with disk.lock:
                disk.step(self._name)
                super().xSync(flags)
                disk.files[self._name] = _File(Path(self._name).read_bytes())
                disk.step(self._name)

    return LosingFile


@contextmanager
def _losing(disk: Disk) -> Iterator[None]:
    sqlite_connection.load_checksums()
    file = _files_of(disk)

    class LosingVfs(apsw.VFS):
        def __init__(self) -> None:
            super().__init__(VFS, BASE)

        def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
            return file(name, flags)  # type: ignore[call-arg]

        def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
            with disk.lock:
                super().xDelete(filename, syncdir)
                disk.files.pop(filename, None)

    vfs = LosingVfs()
    before = sqlite_connection.VFS_NAME
    sqlite_connection.VFS_NAME = VFS
    try:
        yield
    finally:
        sqlite_connection.VFS_NAME = before
        vfs.unregister()


def images_of_a_run(
    folder: Path, seed: int, images: int, *, writes: int = 60, durability: Durability = "full"
) -> Disk:
    """Write through the VFS, and draw the disk at so many moments."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    disk = Disk(folder / "images", seed, set(chance.sample(range(5, 14 * writes), images)))
    home = folder / f"run{seed}"
    home.mkdir(parents=True)

    def say(line: str) -> None:
        with disk.lock:
            disk.acknowledged.append(line.split())
            if len(disk.acknowledged) >= writes:
                raise _EndError

    with _losing(disk):
        store = open_sqlite(home / "relatum.db", durability=durability)
        try:
            write(store, f"s{seed}", say)
        except _EndError:
            pass
        finally:
            store.close()
    return disk


def powerloss_lost(
    folder: Path, seeds: int, *, images: int = 50, durability: Durability = "full"
) -> tuple[int, int]:
    """Lost writes over so many drawn disks, and how many disks were drawn."""
    missing = drawn = seed = 0
    while drawn < seeds:
        disk = images_of_a_run(folder, seed, min(images, seeds - drawn), durability=durability)
        for image, acknowledged in disk.images:
            with opened("sqlite", image) as store:
                missing += len(lost(store, acknowledged))
        drawn += len(disk.images)
        seed += 1
        shutil.rmtree(folder, ignore_errors=True)
    return missing, drawn
