"""One run of the suite at a time."""

import os

import pytest

from relatum_export.errors import InputError
from relatum_export.suite.lock import alone


def test_a_second_run_on_the_same_folder_is_refused_with_the_first_ones_process(tmp_path):
    with (
        alone(tmp_path / "build"),
        pytest.raises(InputError, match=f"process {os.getpid()} works on .*build"),
        alone(tmp_path / "build"),
    ):
        pass


def test_another_folder_and_the_same_one_afterwards_are_free(tmp_path):
    with alone(tmp_path / "a"), alone(tmp_path / "b"):
        pass

    with alone(tmp_path / "a"):
        assert (tmp_path / "a" / "suite.lock").read_text(encoding="utf-8") == f"{os.getpid()}\n"


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(InputError, match="give another BUILD"), alone(tmp_path / "file" / "build"):
        pass
