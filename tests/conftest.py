"""Shared by all tests: where the real data is, and what happens when it is absent."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
REQUIRED = frozenset(filter(None, os.environ.get("RELATUM_TEST_REQUIRE", "").split(",")))


def skip_or_fail(part: str, reason: str) -> None:
    """Skip a test that lacks a part of the machine, or fail where that part is required."""
    if part in REQUIRED:
        pytest.fail(f"RELATUM_TEST_REQUIRE names {part}, but {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def data() -> Callable[[str], Path]:
    """`data("search_crowdflower")` is the folder of that set of real data."""
    root = Path(os.environ.get("RELATUM_TEST_DATA", ROOT.parent / "shared" / "data"))

    def folder(name: str) -> Path:
        path = root / name
        if not path.is_dir():
            skip_or_fail("data", f"no real data at {path}; set RELATUM_TEST_DATA")
        return path

    return folder
