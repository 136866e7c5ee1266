"""Which store a setting names."""

from relatum_server.errors import ConfigError
from relatum_server.store.base import Store
from relatum_server.store.connection import Durability
from relatum_server.store.directory import DataDirectory
from relatum_server.store.identity import ShopperKey
from relatum_server.store.sqlite import open_sqlite

SQLITE = "sqlite"
_POSTGRES = ("postgresql://", "postgres://")


def is_shared(name: str) -> bool:
    """Whether other servers may write to the store: then its log has to be followed."""
    return name.startswith(_POSTGRES)


def open_store(
    name: str, directory: DataDirectory, key: ShopperKey, durability: Durability
) -> Store:
    """Open the store of a server.

    Args:
        name: "sqlite" for the file in the directory, or the URL of a PostgreSQL database.
        directory: of this server.
        key: that its shoppers' ids are hashed with.
        durability: "full" or "relaxed".

    Raises:
        ConfigError: neither; or PostgreSQL, and its client is not installed.
        StoreError, UnavailableError: as `open_sqlite` and `open_postgres`.
    """
    if name == SQLITE:
        return open_sqlite(directory.database, durability=durability, key_check=key.check)
    if not is_shared(name):
        scheme = name.partition("://")[0][:32]
        raise ConfigError(f"--store {scheme}: give sqlite, or postgresql://USER@HOST/DATABASE")
    try:
        from relatum_server.store.postgres.store import open_postgres  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"--store: PostgreSQL needs {error.name}; pip install 'relatum[server,postgres]'"
        ) from error
    return open_postgres(name, directory.path, key.check, durability=durability)
