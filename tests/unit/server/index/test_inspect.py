"""Generations are looked at without a change, whatever a server beside it does."""

from functools import partial
from pathlib import Path

import pytest

from relatum_server.index import generations
from relatum_server.index.generations import Generations, inspect


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    kept = Generations(tmp_path / "text", ".bin", {"encoder_id": "e"})
    for revision in (3, 7):
        kept.save(partial(_write, revision), revision)
    return tmp_path / "text"


def _write(size: int, path: Path) -> None:
    path.write_bytes(b"x" * size)


def revisions(folder: Path) -> list[int | None]:
    found = inspect(folder)
    return [None if one.generation is None else one.generation.revision for one in found]


def test_sound_generations_are_listed_newest_first(folder: Path) -> None:
    before = sorted(path.name for path in folder.iterdir())

    assert revisions(folder) == [7, 3]
    newest = inspect(folder)[0].generation
    assert newest is not None
    assert newest.facts["encoder_id"] == "e"
    assert sorted(path.name for path in folder.iterdir()) == before


@pytest.mark.parametrize("suffix", [".bin", ".json"])
def test_a_damaged_one_is_listed_as_such(folder: Path, suffix: str) -> None:
    file = max(folder.glob(f"*{suffix}"))
    file.write_bytes(b"?" + file.read_bytes()[1:])

    assert revisions(folder) == [None, 3]
    assert file.exists()


def test_a_missing_file_is_a_damage(folder: Path) -> None:
    max(folder.glob("*.bin")).unlink()

    assert revisions(folder) == [None, 3]


def test_one_that_is_removed_meanwhile_is_none(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha256 = generations._sha256

    def removed_first(path: Path) -> str:
        if path.name.endswith("3.bin"):
            path.with_suffix(".json").unlink()
            path.unlink()
        return sha256(path)

    monkeypatch.setattr(generations, "_sha256", removed_first)

    assert revisions(folder) == [7]


def test_a_folder_that_is_not_there_has_none(tmp_path: Path) -> None:
    assert inspect(tmp_path / "nothing") == []
