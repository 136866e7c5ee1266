"""Puts a backup in the place of what a data directory holds."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from relatum_server.errors import StoreError
from relatum_server.store.backup import Manifest, read_manifest, sync, sync_all
from relatum_server.store.directory import RESTORING, DataDirectory

REPLACED: Final = "replaced"
KEY: Final = "user.key"


@dataclass(frozen=True, slots=True)
class Restored:
    """Outcome of a restore: the manifest, and where what was there before lies now."""

    manifest: Manifest
    replaced: Path | None


def restore(path: Path, backup: Path) -> Restored:
    """Put a backup in the place of what a data directory holds, which is kept beside it.

    An interrupted restore is refused by every start until it has been run again.

    Args:
        path: the data directory of a stopped server, or one to make.
        backup: what `back_up` wrote.

    Raises:
        StoreError: the directory is in use, the backup is damaged, or the disk failed.
    """
    manifest = read_manifest(backup)
    directory = DataDirectory.open(path, restoring=True)
    try:
        staged, ready = path / f"{RESTORING}.tmp", path / RESTORING
        shutil.rmtree(staged, ignore_errors=True)
        shutil.rmtree(ready, ignore_errors=True)
        staged.mkdir(mode=0o700)
        for name in manifest.sha256:
            shutil.copy2(backup / name, staged / name)
        sync_all(staged)
        staged.rename(ready)  # from here on a start refuses the directory
        sync(path)
        replaced = _set_aside(path, set(manifest.sha256))
        for name in manifest.sha256:
            (ready / name).rename(path / name)
        sync(path)
        ready.rmdir()
        sync(path)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}; free space, then restore again") from error
    finally:
        directory.close()
    return Restored(manifest, replaced)


def _set_aside(path: Path, restored: set[str]) -> Path | None:
    """Move what is there to a folder; a key stays where the backup brings none."""
    stays = {"lock", RESTORING} | ({KEY} - restored)
    found = [
        entry
        for entry in path.iterdir()
        if entry.name not in stays and not entry.name.startswith(REPLACED)
    ]
    if not found:
        return None
    aside = path / f"{REPLACED}-{time.time_ns()}"
    aside.mkdir(mode=0o700)
    for entry in found:
        entry.rename(aside / entry.name)
    sync(aside)
    return aside
