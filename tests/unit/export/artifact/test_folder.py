"""An artifact folder appears whole or not at all."""

import pytest

from relatum_export.artifact.folder import appearing
from relatum_export.errors import InputError


def write_artifact(out, content="1", *, force=False):
    with appearing(out, force=force) as folder:
        (folder / "spaces").mkdir()
        (folder / "spaces" / "a.npy").write_text(content, encoding="utf-8")
        (folder / "manifest.json").write_text("{}", encoding="utf-8")
        assert not (out / "spaces" / "a.npy").exists() or content != "1"


def test_the_folder_appears_with_all_its_files(tmp_path):
    write_artifact(tmp_path / "deep" / "out")

    assert (tmp_path / "deep" / "out" / "spaces" / "a.npy").read_text() == "1"
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["out"]


def test_an_error_leaves_neither_a_folder_nor_a_trace(tmp_path):
    def fail():
        with appearing(tmp_path / "out", force=False) as folder:
            (folder / "manifest.json").write_text("{}", encoding="utf-8")
            raise ValueError("half-way")

    with pytest.raises(ValueError, match="half-way"):
        fail()

    assert list(tmp_path.iterdir()) == []


def test_an_artifact_is_replaced_by_the_new_one(tmp_path):
    write_artifact(tmp_path / "out")

    write_artifact(tmp_path / "out", "2")

    assert (tmp_path / "out" / "spaces" / "a.npy").read_text() == "2"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_that_is_no_artifact_is_replaced_only_by_force(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("years", encoding="utf-8")

    with pytest.raises(InputError, match="not an artifact"):
        write_artifact(tmp_path / "out")
    assert (tmp_path / "out" / "thesis.txt").exists()
    write_artifact(tmp_path / "out", force=True)

    assert not (tmp_path / "out" / "thesis.txt").exists()


def test_an_empty_folder_is_no_obstacle_and_a_file_is(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("", encoding="utf-8")

    write_artifact(tmp_path / "empty")
    with pytest.raises(InputError, match="is a file"):
        write_artifact(tmp_path / "file", force=True)

    assert (tmp_path / "empty" / "manifest.json").exists()
