"""What a start of a server does to files, without a model: migrate, write, publish, close.

`python -m tests.bench.faults.publishing FOLDER` is killed at each sync and rename by `fsync_kill`.
"""

import sys
from pathlib import Path

import numpy as np

from relatum_server.domain import Product
from relatum_server.index.snapshot import SnapshotFolder
from relatum_server.store import schema
from relatum_server.store.base import ProductPut
from relatum_server.store.codec import encode
from relatum_server.store.connection import open_writer
from relatum_server.store.identity import ShopperKey
from tests.bench.faults.writing import opened

DIMENSION = 8
BEFORE = 5  # products of the first schema


def make_old(folder: Path) -> None:
    """A data directory of schema 1, as the first relatum left it, with one generation."""
    folder.mkdir(parents=True)
    path = folder / "relatum.db"
    connection = open_writer(path, "full")
    connection.execute(
        "CREATE TABLE migrations (number INTEGER PRIMARY KEY, applied_time_us INTEGER NOT NULL)"
        " STRICT"
    )
    connection.execute(schema.MIGRATIONS[0])
    connection.execute("INSERT INTO migrations VALUES (1, 0)")
    connection.pragma("application_id", schema.APPLICATION_ID)
    for key in range(1, BEFORE + 1):
        product = encode(Product(id=f"old{key}", etag="e"))
        connection.execute(
            "INSERT INTO products VALUES (?, ?, 'e', ?)", (key, f"old{key}", product)
        )
        connection.execute(
            "INSERT INTO change_log (kind, payload) VALUES ('products', ?)",
            (encode(((key,), ())),),
        )
    connection.close()
    publish(folder, BEFORE)


def publish(folder: Path, products: int) -> None:
    """Write a generation of the text graph that holds so many products."""
    snapshots = SnapshotFolder(folder / "text", "encoder", DIMENSION)
    index, _ = snapshots.open()
    vectors = np.random.default_rng(0).normal(size=(products, DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    index.upsert(np.arange(1, products + 1), vectors)
    snapshots.save(index, products)
    index.close()


def published(folder: Path) -> int:
    """Of how many products the generation is that a start would take."""
    index, revision = SnapshotFolder(folder / "text", "encoder", DIMENSION).open()
    held = len(index)
    index.close()
    if held != revision:
        raise RuntimeError(f"a generation of revision {revision} holds {held} products")
    return held


def main() -> None:
    """Do it all; each line is said after its write was acknowledged."""
    folder = Path(sys.argv[1])
    ShopperKey.load_or_create(folder / "user.key")
    with opened("sqlite", folder) as store:
        for i in range(3):
            store.write_products([ProductPut(Product(id=f"new{i}", etag="e"))])
            sys.stdout.write(f"new{i}\n")
            sys.stdout.flush()
    publish(folder, BEFORE + 3)
    sys.stdout.write("published\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
