"""One run of the suite at a time on a folder of everything derived."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from relatum_export.errors import InputError

LOCK = "suite.lock"


@contextmanager
def alone(build: Path) -> Iterator[None]:
    """Hold a folder's lock. It goes with the process, so a killed run leaves none behind.

    Args:
        build: made where it is not there.

    Raises:
        InputError: another run holds it, or the folder cannot be written.
    """
    file = build / LOCK
    try:
        build.mkdir(parents=True, exist_ok=True)
        stream = file.open("a+", encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{file} cannot be written: {error.strerror}; give another BUILD"
        ) from error
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            stream.seek(0)
            raise InputError(
                f"process {stream.read().strip() or 'of another user'} works on {build}; wait for "
                "it, stop it, or give another BUILD"
            ) from error
        stream.truncate(0)
        stream.write(f"{os.getpid()}\n")
        stream.flush()
        yield
