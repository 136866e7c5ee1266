"""A vector index on disk: the graph, and a manifest written last that says what it is."""

import hashlib
import importlib.metadata
import os
from pathlib import Path

import msgspec

from relatum_server.index.usearch import UsearchIndex

VERSION = 1


class Manifest(msgspec.Struct, frozen=True):
    """What the graph file is; written after it, so that a file without it does not count."""

    version: int
    revision: int
    encoder_id: str
    dimension: int
    count: int
    file: str
    sha256: str
    usearch: str


class SnapshotFolder:
    """Two generations of one index, named by their revisions.

    A projection of the store: losing it costs the time to build it again.
    """

    def __init__(self, path: Path, encoder_id: str, dimension: int) -> None:
        self._path, self._encoder_id, self._dimension = path, encoder_id, dimension
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        for leftover in path.glob("*.tmp"):
            leftover.unlink()
        for graph in path.glob("*.usearch"):  # without its manifest it does not count
            if not graph.with_suffix(".json").exists():
                graph.unlink()

    def open(self, *, at_most: int | None = None, threads: int = 2) -> tuple[UsearchIndex, int]:
        """The newest sound generation and its revision; an empty index and 0 where there is none.

        A damaged generation is set aside (`.damaged`) and the one before is tried. One beyond the
        store's revision `at_most` is of another history (a restored backup) and is not taken.
        """
        for manifest_path in sorted(self._path.glob("*.json"), reverse=True):
            manifest = self._read(manifest_path)
            if manifest is None or (at_most is not None and manifest.revision > at_most):
                continue
            index = UsearchIndex(self._dimension, threads=threads)
            index.load(self._path / manifest.file)
            if len(index) == manifest.count:
                return index, manifest.revision
            _set_aside(manifest_path)
        return UsearchIndex(self._dimension, threads=threads), 0

    def save(self, index: UsearchIndex, revision: int) -> None:
        """Write a generation: the graph and then its manifest, each synced before its rename."""
        name = f"{revision:016d}"
        graph, temporary = self._path / f"{name}.usearch", self._path / f"{name}.usearch.tmp"
        count = len(index.save(temporary))
        digest = _sha256(temporary)
        _sync(temporary)
        temporary.rename(graph)
        manifest = Manifest(
            VERSION,
            revision,
            self._encoder_id,
            self._dimension,
            count,
            graph.name,
            digest,
            importlib.metadata.version("usearch"),
        )
        temporary = self._path / f"{name}.json.tmp"
        body = msgspec.json.encode(manifest)
        temporary.write_bytes(body + b"\n" + hashlib.sha256(body).hexdigest().encode() + b"\n")
        _sync(temporary)
        temporary.rename(self._path / f"{name}.json")
        _sync(self._path)
        others = [path for path in self._path.glob("*.json") if path.stem != name]
        for old in sorted(others, reverse=True)[1:]:
            old.unlink()
            old.with_suffix(".usearch").unlink(missing_ok=True)

    def _read(self, path: Path) -> Manifest | None:
        """A manifest that fits this encoder and this library and whose graph has its hash.

        The manifest's second line is the hash of its first: a flipped digit of the revision would
        skip the replay of acknowledged writes.
        """
        manifest = _decode(path)
        if manifest is None or _sha256(self._path / manifest.file) != manifest.sha256:
            _set_aside(path)
            return None
        fits = (
            manifest.version == VERSION
            and manifest.encoder_id == self._encoder_id
            and manifest.dimension == self._dimension
            and manifest.usearch == importlib.metadata.version("usearch")
        )
        return manifest if fits else None


def _decode(path: Path) -> Manifest | None:
    """A manifest whose graph is there; None where a byte of it is not as it was written."""
    try:
        body, digest, *_ = path.read_bytes().split(b"\n")
        if hashlib.sha256(body).hexdigest().encode() != digest:
            return None
        manifest = msgspec.json.decode(body, type=Manifest)
    except (OSError, ValueError):  # msgspec's errors are ValueErrors
        return None
    return manifest if (path.parent / manifest.file).is_file() else None


def _set_aside(manifest: Path) -> None:
    """Keep the damaged files for a look, where no one opens them again."""
    for path in (manifest, manifest.with_suffix(".usearch")):
        if path.exists():
            path.rename(path.with_name(path.name + ".damaged"))


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
