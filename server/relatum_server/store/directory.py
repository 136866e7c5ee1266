"""The data directory: one server at a time owns it, and knows where everything in it lies."""

import fcntl
import os
from pathlib import Path

from relatum_server.errors import StoreError

RESTORING = "restoring"  # a folder that stands while a restore puts its files in their places


class DataDirectory:
    """A locked data directory. The lock ends with `close` or with the process, however it ends."""

    def __init__(self, path: Path, lock: int) -> None:
        """Use `open`; `lock` is a descriptor that holds the lock."""
        self.path = path
        self._lock: int | None = lock

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.path / "relatum.db"

    @property
    def user_key(self) -> Path:
        """The shopper key, unless the settings name another file."""
        return self.path / "user.key"

    @classmethod
    def open(cls, path: Path, *, restoring: bool = False) -> "DataDirectory":
        """Make the directory if it is missing (mode 700), and lock it.

        Args:
            path: of the directory.
            restoring: whether this is the restore that an interrupted one waits for.

        Raises:
            StoreError: in use by another server, not a directory, not writable, or a restore of it
                was interrupted.
        """
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise StoreError(
                f"data directory {path} is not a directory; give another --data-dir"
            ) from None
        except (OSError, ValueError) as error:
            raise StoreError(f"data directory {path}: {_cause(error)}; {_REMEDY}") from error
        try:
            lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(f"data directory {path}: {_cause(error)}; {_REMEDY}") from error
        try:
            _take(lock, path)
            if not restoring:
                _check_whole(path)
        except BaseException:
            os.close(lock)
            raise
        return cls(path, lock)

    def close(self) -> None:
        """Give the directory free. Safe twice."""
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)


_REMEDY = "give a --data-dir that this user can write to"


def _cause(error: OSError | ValueError) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


def _check_whole(path: Path) -> None:
    if (path / RESTORING).exists():
        raise StoreError(
            f"data directory {path}: a restore was interrupted; run it again:"
            f" relatum-server restore --data-dir {path} --from BACKUP"
        )


def _take(lock: int, path: Path) -> None:
    """Lock the open file and write our process id into it, or say whose it is."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.pread(lock, 32, 0).decode("ascii", "replace").strip() or "unknown"
        raise StoreError(
            f"data directory {path} is in use by process {owner};"
            " stop that server or give another --data-dir"
        ) from None
    except OSError as error:
        raise StoreError(f"data directory {path} cannot be locked: {_cause(error)}") from error
    try:
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    except OSError as error:
        raise StoreError(f"data directory {path}: {_cause(error)}; {_REMEDY}") from error
