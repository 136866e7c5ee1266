"""Files that are there whole or not at all: written beside their place, then renamed into it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from relatum_export.errors import InputError


@contextmanager
def replacing(file: Path) -> Iterator[Path]:
    """A path to write to, which takes the file's place when the block ends well.

    The path is this process's own, for several may write the same file of a cache.

    Args:
        file: what was there before stays where the block fails; its folder is made.

    Raises:
        InputError: the disk is full, or the place cannot be written.
    """
    part = file.with_name(f".{os.getpid()}-{file.name}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        yield part
        part.replace(file)
    except OSError as error:
        raise InputError(
            f"{file} cannot be written: {error.strerror or error}; make room, or give another place"
        ) from error
    finally:
        with suppress(OSError):
            part.unlink()


def write_text(file: Path, text: str) -> None:
    """Write a whole file as UTF-8.

    Raises:
        InputError: see ``replacing``.
    """
    with replacing(file) as part:
        part.write_text(text, encoding="utf-8")
