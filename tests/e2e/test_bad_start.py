"""A server that cannot start says why in one line on standard error and exits with status 2."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Damage = Callable[[Path], None]
GRPC_BIND_LINE = "add_port.cc"  # gRPC's core logs a failed bind itself, in C++


def refused_start(
    artifact: Path, data_dir: Path, *flags: str, environment: dict[str, str] | None = None
) -> str:
    """The one plain line of a server that must not start."""
    line = [sys.executable, "-m", "relatum_server", "serve", "--artifact", str(artifact)]
    line += ["--data-dir", str(data_dir), "--listen", "127.0.0.1:0", *flags]
    done = subprocess.run(
        line,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **(environment or {})},
    )
    plain = [text for text in done.stderr.splitlines() if not text.startswith("{")]
    plain = [text for text in plain if GRPC_BIND_LINE not in text]
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert len(plain) == 1, done.stderr
    assert plain[0].startswith("relatum-server: ")
    return plain[0]


def largest(folder: Path) -> Path:
    return max(
        (path for path in folder.rglob("*") if path.is_file()), key=lambda p: p.stat().st_size
    )


def truncate(folder: Path) -> None:
    path = largest(folder)
    os.truncate(path, path.stat().st_size // 2)


def flip_a_byte(folder: Path) -> None:
    with largest(folder).open("r+b") as stream:
        stream.seek(1000)
        byte = stream.read(1)[0]
        stream.seek(1000)
        stream.write(bytes([byte ^ 0xFF]))


def remove_a_file(folder: Path) -> None:
    largest(folder).unlink()


def of_the_future(folder: Path) -> None:
    manifest = folder / "manifest.json"
    fields = json.loads(manifest.read_text(encoding="utf-8"))
    fields["formatVersion"] = 999
    manifest.write_text(json.dumps(fields), encoding="utf-8")


def break_the_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_text('{"formatVersion": 1', encoding="utf-8")


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        pytest.param(truncate, "bytes", id="truncated file"),
        pytest.param(flip_a_byte, "SHA-256", id="wrong hash"),
        pytest.param(remove_a_file, "No such file", id="missing file"),
        pytest.param(of_the_future, "999", id="unknown format version"),
        pytest.param(break_the_manifest, "manifest.json", id="broken manifest"),
    ],
)
def test_a_damaged_artifact_is_refused(
    artifact: Path, tmp_path: Path, damage: Damage, named: str
) -> None:
    copy = tmp_path / "artifact"
    shutil.copytree(artifact, copy)
    damage(copy)

    assert named in refused_start(copy, tmp_path / "data")


def test_a_missing_artifact_is_refused(tmp_path):
    assert "nowhere" in refused_start(tmp_path / "nowhere", tmp_path / "data")


def test_a_gpu_that_is_required_and_absent_is_refused(artifact, tmp_path):
    line = refused_start(
        artifact, tmp_path / "data", "--require-cuda", environment={"CUDA_VISIBLE_DEVICES": ""}
    )

    assert "CUDA" in line


@pytest.mark.parametrize("listen", ["nonsense", "127.0.0.1:", "127.0.0.1:99999", "192.0.2.1:0"])
def test_an_address_that_cannot_be_bound_is_refused(artifact, tmp_path, listen):
    assert listen in refused_start(artifact, tmp_path / "data", "--listen", listen)


def test_an_unknown_setting_in_the_environment_is_refused(artifact, tmp_path):
    line = refused_start(artifact, tmp_path / "data", environment={"RELATUM_LISTNE": "x"})

    assert "RELATUM_LISTNE" in line


def test_a_value_out_of_range_is_refused_by_name(artifact, tmp_path):
    assert "max_workers" in refused_start(artifact, tmp_path / "data", "--max-workers", "0")


def test_a_data_directory_that_is_a_file_is_refused(artifact, tmp_path):
    path = tmp_path / "file"
    path.write_text("not a folder", encoding="utf-8")

    assert str(path) in refused_start(artifact, path)
