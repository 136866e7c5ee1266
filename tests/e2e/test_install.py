"""What an install brings: a backend gets five distributions, a server no torch."""

import json
import subprocess
import venv
from pathlib import Path

import pytest

from tests.bench.processes import ServerProcess

ROOT = Path(__file__).resolve().parents[2]


def install(folder: Path, what: str) -> tuple[Path, set[str]]:
    """A new environment with `what` of this checkout; its interpreter and its distributions."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    constraints = str(ROOT / "constraints.txt")
    pip = [str(python), "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "-q", "-c", constraints, what], check=True)
    listed = subprocess.run(
        [*pip, "list", "--format", "json"], check=True, capture_output=True, text=True
    )
    names = {row["name"].lower() for row in json.loads(listed.stdout)}
    return python, names - {"pip", "setuptools", "wheel"}


@pytest.mark.long
def test_a_backend_installs_five_distributions_and_can_call_the_server(start, tmp_path):
    python, names = install(tmp_path / "base", str(ROOT))
    assert len(names - {"relatum"}) <= 5, names

    server: ServerProcess = start()
    done = subprocess.run(
        [str(python.parent / "relatum"), "info", "--target", server.wait_serving(), "--json"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "encoder_id" in done.stdout or "encoderId" in done.stdout


@pytest.mark.long
def test_a_server_install_has_no_torch(tmp_path):
    python, names = install(tmp_path / "server", f"{ROOT}[server]")
    assert not names & {"torch", "transformers", "optimum", "onnx"}
    done = subprocess.run([str(python), "-c", "import relatum_server.server"], check=False)
    assert done.returncode == 0
