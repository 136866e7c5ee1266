"""Files of a projection by revision, each with a manifest written last that vouches for it."""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

VERSION = 1
DAMAGED, BEYOND = ".damaged", ".beyond"
Fact = str | int


class Manifest(msgspec.Struct, frozen=True):
    """What every manifest says; written after its file, so that a file without one counts not."""

    version: int
    revision: int
    file: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Generation:
    """A sound file: its bytes are those that were written, and it was made for these facts."""

    path: Path
    revision: int
    facts: Mapping[str, object]


class Generations:
    """Two generations of one file in a folder, named by their revisions.

    A projection of the store: losing it costs the time to build it again.
    """

    def __init__(self, folder: Path, suffix: str, facts: Mapping[str, Fact]) -> None:
        """Make the folder and remove what a crash left in it.

        Args:
            folder: of these generations alone.
            suffix: of the file's name, with the dot.
            facts: what the file is made for (an encoder, a library's version); one that was made
                for others is not opened, and stays for a way back.
        """
        self._folder, self._suffix, self._facts = folder, suffix, dict(facts)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for leftover in folder.glob("*.tmp"):
            leftover.unlink()
        for file in folder.glob(f"*{suffix}"):
            if not file.with_suffix(".json").exists():
                file.unlink()

    def sound(self, *, at_most: int | None = None) -> Iterator[Generation]:
        """Generations that can be opened, newest first; a damaged one is set aside (`.damaged`).

        One beyond the store's revision `at_most` is of another history (a restored backup). It is
        set aside too: the store's new history will pass its revision.
        """
        for path in sorted(self._folder.glob("*.json"), reverse=True):
            generation = self._read(path, at_most)
            if generation is not None:
                yield generation

    def save(
        self,
        write: Callable[[Path], object],
        revision: int,
        facts: Mapping[str, Fact] | None = None,
    ) -> None:
        """Write a generation: the file and then its manifest, each synced before its rename.

        Args:
            write: writes the file at a path.
            revision: of the store that the file shows.
            facts: further ones, for `Generation.facts`.
        """
        name = f"{revision:016d}"
        file, temporary = (self._folder / f"{name}{self._suffix}{end}" for end in ("", ".tmp"))
        write(temporary)
        digest = _sha256(temporary)
        _sync(temporary)
        temporary.rename(file)
        manifest = msgspec.structs.asdict(Manifest(VERSION, revision, file.name, digest))
        temporary = self._folder / f"{name}.json.tmp"
        body = msgspec.json.encode(manifest | self._facts | dict(facts or {}))
        temporary.write_bytes(body + b"\n" + hashlib.sha256(body).hexdigest().encode() + b"\n")
        _sync(temporary)
        temporary.rename(self._folder / f"{name}.json")
        _sync(self._folder)
        others = [path for path in self._folder.glob("*.json") if path.stem != name]
        for old in sorted(others, reverse=True)[1:]:
            old.unlink()
            old.with_suffix(self._suffix).unlink(missing_ok=True)

    def set_aside(self, file: Path, why: str = DAMAGED) -> None:
        """Keep a file and its manifest for a look, under names that no one opens again."""
        for path in (file.with_suffix(".json"), file.with_suffix(self._suffix)):
            if path.exists():
                path.rename(path.with_name(path.name + why))

    def _read(self, path: Path, at_most: int | None) -> Generation | None:
        found = _decode(path)
        if found is None:
            self.set_aside(path)
            return None
        manifest, facts = found
        if at_most is not None and manifest.revision > at_most:
            self.set_aside(path, BEYOND)
            return None
        wanted = self._facts | {"version": VERSION}
        if any(facts.get(name) != value for name, value in wanted.items()):
            return None
        file = self._folder / manifest.file
        if _sha256(file) != manifest.sha256:
            self.set_aside(path)
            return None
        return Generation(file, manifest.revision, facts)


@dataclass(frozen=True, slots=True)
class Inspected:
    """A generation as it lies there.

    Attributes:
        manifest: its file.
        generation: None where the manifest or its file is not as it was written.
    """

    manifest: Path
    generation: Generation | None


def inspect(folder: Path) -> list[Inspected]:
    """The generations in a folder, newest first, whatever they were made for; changes nothing."""
    found = []
    for path in sorted(folder.glob("*.json"), reverse=True):
        generation = None
        try:
            decoded = _decode(path)
            if decoded is not None:
                manifest, facts = decoded
                file = folder / manifest.file
                if _sha256(file) == manifest.sha256:
                    generation = Generation(file, manifest.revision, facts)
        except FileNotFoundError:
            pass  # a running server keeps two, and has just removed this one
        if path.exists():
            found.append(Inspected(path, generation))
    return found


def _decode(path: Path) -> tuple[Manifest, Mapping[str, object]] | None:
    """A manifest whose file is there; None where a byte of it is not as it was written.

    Its second line is the hash of its first: a flipped digit of the revision would skip the replay
    of acknowledged writes.
    """
    try:
        body, digest, *_ = path.read_bytes().split(b"\n")
        if hashlib.sha256(body).hexdigest().encode() != digest:
            return None
        manifest = msgspec.json.decode(body, type=Manifest)
        facts: dict[str, object] = msgspec.json.decode(body)
    except (OSError, ValueError):  # msgspec's errors are ValueErrors
        return None
    return (manifest, facts) if (path.parent / manifest.file).is_file() else None


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
