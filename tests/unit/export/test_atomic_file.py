"""Files that are there whole or not at all."""

import pytest

from relatum_export.atomic_file import replacing, write_text
from relatum_export.errors import InputError


def test_a_file_is_written_with_its_folder_and_nothing_is_left_beside_it(tmp_path):
    file = tmp_path / "new" / "a.json"

    write_text(file, "æ")

    assert file.read_text(encoding="utf-8") == "æ"
    assert list(file.parent.iterdir()) == [file]


def write_half(file, error):
    with replacing(file) as part:
        part.write_text("half", encoding="utf-8")
        raise error


def test_what_was_there_stays_where_the_new_one_fails_half_way(tmp_path):
    file = tmp_path / "a.json"
    write_text(file, "before")

    with pytest.raises(InputError, match=r"a\.json cannot be written: No space left"):
        write_half(file, OSError(28, "No space left on device"))

    assert file.read_text(encoding="utf-8") == "before"
    assert list(tmp_path.iterdir()) == [file]


def test_another_error_passes_and_leaves_nothing_behind_either(tmp_path):
    with pytest.raises(ValueError, match="no number"):
        write_half(tmp_path / "a", ValueError("no number"))

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["file/a.json", "folder"])
def test_a_place_that_cannot_be_written_is_named(tmp_path, place):
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder").mkdir()

    with pytest.raises(InputError, match=f"{place} cannot be written"):
        write_text(tmp_path / place, "x")
