"""The stores that keep the one contract. A new implementation joins `IMPLEMENTATIONS`."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from relatum_server.store.base import Store
from relatum_server.store.sqlite import open_sqlite
from tests.fakes.store import FakeStore


class Clock:
    """Seconds since 1970, moved by the test."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


IMPLEMENTATIONS: dict[str, Callable[[Path, Clock], Store]] = {
    "fake": lambda _, clock: FakeStore(clock),
    "sqlite": lambda folder, clock: open_sqlite(folder / "relatum.db", clock=clock),
}


@pytest.fixture
def clock() -> Clock:
    """The clock of `store`."""
    return Clock()


@pytest.fixture(params=IMPLEMENTATIONS)
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Store]:
    """Each implementation in turn, empty."""
    store = IMPLEMENTATIONS[request.param](tmp_path, clock)
    yield store
    store.close()
