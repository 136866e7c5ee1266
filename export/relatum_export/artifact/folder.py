"""A folder that appears whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from relatum_export.errors import InputError

MANIFEST = "manifest.json"


def check_target(out: Path, *, force: bool) -> None:
    """Refuse a target that would be lost by writing to it.

    An artifact may be replaced by a new one; anything else only with ``force``.

    Raises:
        InputError: ``out`` is a file, or a folder with something other than an artifact in it.
    """
    if not out.exists():
        return
    if not out.is_dir():
        raise InputError(f"{out} is a file; give --out a folder that does not exist yet")
    if any(out.iterdir()) and not (out / MANIFEST).is_file() and not force:
        raise InputError(
            f"{out} is not empty and is not an artifact; give another --out, or --force to replace"
        )


@contextmanager
def appearing(out: Path, *, force: bool) -> Iterator[Path]:
    """Yield a hidden sibling folder; on success make it durable and rename it to ``out``.

    On an error the sibling is removed and ``out`` stays as it was.

    Raises:
        InputError: see ``check_target``.
    """
    check_target(out, force=force)
    out.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        yield building
        building.chmod(0o755)
        for path in sorted(building.rglob("*")):
            _fsync(path)
        _fsync(building)
        if out.exists():
            replaced = Path(tempfile.mkdtemp(prefix=f".{out.name}-old-", dir=out.parent))
            out.rename(replaced / out.name)  # two renames: a full folder cannot be renamed over
            building.rename(out)
            shutil.rmtree(replaced)
        else:
            building.rename(out)
        _fsync(out.parent)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
