import os
import subprocess
import sys
from pathlib import Path

import pytest

from relatum_server.errors import StoreError
from relatum_server.store.directory import DataDirectory


def test_a_missing_directory_is_made_for_this_user_only(tmp_path: Path) -> None:
    directory = DataDirectory.open(tmp_path / "a" / "b")

    assert directory.path.stat().st_mode & 0o777 == 0o700
    assert directory.database.parent == directory.user_key.parent == directory.path
    directory.close()


def test_a_second_server_is_refused_with_the_process_that_holds_the_directory(
    tmp_path: Path,
) -> None:
    directory = DataDirectory.open(tmp_path)

    with pytest.raises(StoreError) as caught:
        DataDirectory.open(tmp_path)

    assert f"in use by process {os.getpid()}" in caught.value.message
    assert "\n" not in caught.value.message
    directory.close()


def test_a_closed_directory_can_be_opened_again_and_closing_twice_is_safe(tmp_path: Path) -> None:
    first = DataDirectory.open(tmp_path)
    first.close()
    second = DataDirectory.open(tmp_path)
    first.close()  # must not close a descriptor that now belongs to someone else

    with pytest.raises(StoreError):
        DataDirectory.open(tmp_path)
    second.close()


def test_a_killed_server_leaves_no_lock(tmp_path: Path) -> None:
    script = (
        "import sys, os, signal; from pathlib import Path\n"
        "from relatum_server.store.directory import DataDirectory\n"
        "held = DataDirectory.open(Path(sys.argv[1])); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], env=_env(), check=False)
    assert (tmp_path / "lock").read_text().strip().isdigit()

    DataDirectory.open(tmp_path).close()


def test_a_child_process_does_not_keep_the_lock(tmp_path: Path) -> None:
    directory = DataDirectory.open(tmp_path)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        directory.close()
        DataDirectory.open(tmp_path).close()
        child.communicate(b"\n")


def test_a_file_in_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StoreError, match="not a directory"):
            DataDirectory.open(path)


def test_a_lock_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()

    with pytest.raises(StoreError, match="give a --data-dir"):
        DataDirectory.open(tmp_path)


def test_a_path_with_a_nul_is_refused() -> None:
    with pytest.raises(StoreError, match="null"):
        DataDirectory.open(Path("bad\x00path"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_that_is_not_writable_is_refused(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir(mode=0o500)

    with pytest.raises(StoreError, match="Permission denied"):
        DataDirectory.open(tmp_path / "d")


def test_a_directory_that_takes_no_file_is_refused_for_every_user() -> None:
    with pytest.raises(StoreError, match="give a --data-dir"):
        DataDirectory.open(Path("/proc/self"))


def _env() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
