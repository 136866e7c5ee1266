"""Keyed hashing: raw shopper ids, request bodies and page tokens never rest as they came."""

import hashlib
import hmac
import os
import secrets
import stat
from pathlib import Path
from typing import Final

from relatum_server.errors import StoreError

KEY_BYTES: Final = 32
PURPOSES: Final = frozenset({"user", "session", "request-body", "page-token"})
_MODE: Final = 0o600


class ShopperKey:
    """The secret of one data directory. Losing it cuts every profile off from its shopper."""

    __slots__ = ("_derived",)

    def __init__(self, key: bytes) -> None:
        """Take 32 random bytes.

        Raises:
            ValueError: another length.
        """
        if len(key) != KEY_BYTES:
            raise ValueError(f"a shopper key has {KEY_BYTES} bytes, not {len(key)}")
        # One key a purpose, so that equal inputs of two purposes share no output.
        self._derived = {
            purpose: hmac.digest(key, b"relatum.v1/" + purpose.encode(), hashlib.sha256)
            for purpose in PURPOSES
        }

    def __repr__(self) -> str:
        return "ShopperKey(...)"

    @classmethod
    def load_or_create(cls, path: Path) -> "ShopperKey":
        """Read the key file, or make it (mode 600, complete or absent, fsynced) at first start.

        Raises:
            StoreError: wrong mode, wrong size, not a regular file, or not readable.
        """
        try:
            try:
                key = _read(path)
            except FileNotFoundError:
                _create(path)
                key = _read(path)
        except OSError as error:
            raise StoreError(
                f"key file {path}: {error.strerror}; give a file that this user can read and write"
            ) from error
        return cls(key)

    def digest(self, data: bytes, purpose: str) -> bytes:
        """HMAC-SHA-256 of bytes, 32 bytes; ValueError for an unknown purpose."""
        try:
            key = self._derived[purpose]
        except KeyError:
            raise ValueError(f"unknown purpose {purpose!r}") from None
        return hmac.digest(key, data, hashlib.sha256)

    @property
    def check(self) -> bytes:
        """A digest that tells this key from another one, and nothing else of it."""
        return self.digest(b"relatum.v1/key-check", "page-token")

    def hash(self, raw: str, purpose: str = "user") -> str:
        """HMAC-SHA-256 of a text as 64 hex digits; ValueError for an unknown purpose."""
        return self.digest(raw.encode("utf-8", "surrogatepass"), purpose).hex()


def _read(path: Path) -> bytes:
    """The key, if the file is what `_create` leaves."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise StoreError(f"key file {path} is not a regular file; give another path")
        mode = stat.S_IMODE(status.st_mode)
        if mode != _MODE:
            raise StoreError(f"key file {path} has mode {mode:o}; run: chmod 600 {path}")
        key = file.read(KEY_BYTES + 1)
    if len(key) != KEY_BYTES:
        raise StoreError(
            f"key file {path} has not {KEY_BYTES} bytes; restore it from the backup of this data"
            " directory (a new key would orphan every stored profile)"
        )
    return key


def _create(path: Path) -> None:
    """Write a fresh key beside `path` and link it in: never half a key, never over another's."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), _MODE)
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(temporary)
        except FileExistsError:
            return  # another process was first; its key is the key
    finally:
        temporary.unlink()
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
