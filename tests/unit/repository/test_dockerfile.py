"""The image's recipe, held to what a linter and an operator would ask."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
LINES = [
    line.strip() for line in (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines() if line
]
STAGES = [line.split()[-1] for line in LINES if line.startswith("FROM")]


def stage(name):
    start = next(n for n, x in enumerate(LINES) if x.startswith("FROM") and x.endswith(f" {name}"))
    body = LINES[start + 1 :]
    end = next((n for n, line in enumerate(body) if line.startswith("FROM")), len(body))
    return body[:end]


@pytest.mark.parametrize("target", ["cpu", "cuda"])
def test_both_targets_exist(target):
    assert target in STAGES


def test_every_outside_base_image_is_pinned_to_a_version():
    outside = [line.split()[1] for line in LINES if line.startswith("FROM")]
    outside = [image for image in outside if image not in STAGES]
    assert outside
    for image in outside:
        assert re.fullmatch(r"[\w./-]+:\d+\.\d+\.\d+[\w.-]*", image)


def test_it_runs_as_somebody_who_is_not_root_with_a_health_check_and_a_volume():
    cpu = stage("cpu")
    assert any(re.fullmatch(r"USER [1-9]\d+", line) for line in cpu)
    assert any(line.startswith("HEALTHCHECK") for line in cpu)
    assert 'VOLUME ["/data"]' in cpu
    assert any(line.startswith("ENTRYPOINT [") for line in cpu)  # exec form: signals arrive


def test_nothing_after_the_user_line_becomes_root_again():
    assert not any(line.startswith("USER") for line in stage("cuda"))
    assert not any("sudo" in line for line in LINES)


def test_pip_leaves_no_cache_and_takes_pinned_versions():
    installs = [line for line in LINES if "pip install" in line]
    assert installs
    for line in installs:
        assert "--no-cache-dir" in line
        assert "-c constraints.txt" in line
