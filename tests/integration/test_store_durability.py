"""Promise P1: what was acknowledged survives kill -9, at any moment, and nothing is half there."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from relatum_server.store.directory import DataDirectory
from relatum_server.store.sqlite import open_sqlite

# Four threads write products in pairs, events and deletions, and print each acknowledged write.
WRITER = """
import sys, threading
from pathlib import Path
from relatum_server.domain import Event, EventType, Product
from relatum_server.store.base import ProductPut
from relatum_server.store.directory import DataDirectory
from relatum_server.store.sqlite import open_sqlite

directory = DataDirectory.open(Path(sys.argv[1]))
store = open_sqlite(directory.database)
prefix = sys.argv[2]
out = threading.Lock()

def say(line):
    with out:
        sys.stdout.write(line + "\\n")
        sys.stdout.flush()

def write(thread):
    i = 0
    while True:
        name = f"{prefix}.{thread}.{i}"
        pair = [Product(f"{name}.{half}", description="x" * 500, etag="e") for half in "ab"]
        done = store.write_products([ProductPut(p, text_vector=b"v" * 64) for p in pair])
        say(f"products {done.revision} {name}")
        done = store.write_events([Event(name, EventType.VIEW, user=prefix)])
        say(f"events {done.revision} {name}")
        if i % 3 == 0:
            done = store.write_products([], [f"{name}.a", f"{name}.b"])
            say(f"deleted {done.revision} {name}")
        i += 1

for thread in range(4):
    threading.Thread(target=write, args=(thread,)).start()
"""


def _write_until_killed(folder: Path, prefix: str, acknowledged: int) -> list[list[str]]:
    """Kill the writer after so many acknowledgements; every whole line that it printed."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), prefix],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as writer:
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(acknowledged)]
        writer.kill()
        lines += writer.stdout.readlines()  # acknowledged before the kill, read after it
    assert lines[acknowledged - 1], "the writer died by itself"
    return [line.split() for line in lines if line.endswith("\n")]


def _check(folder: Path, acknowledged: list[list[str]]) -> None:
    directory = DataDirectory.open(folder)
    store = open_sqlite(directory.database)
    try:
        ids = {s.product.id: s.key for s in store.scan_products()}
        events = {event.id for _, event in store.scan_events()}
        deleted = {name for kind, _, name in acknowledged if kind == "deleted"}
        for kind, revision, name in acknowledged:
            assert int(revision) <= store.revision()
            if kind == "events":
                assert name in events, f"lost event {name}"
            elif kind == "products" and int(name.rpartition(".")[2]) % 3:
                assert f"{name}.a" in ids, f"lost product {name}"
        # All or nothing: halves live and die together, with their vectors; deleted stays deleted.
        names = {i.rpartition(".")[0] for i in ids}
        assert not deleted & names
        assert len(ids) == 2 * len(names)
        assert {v.key for v in store.scan_vectors("")} == set(ids.values())
        revisions = [change.revision for change in store.changes(0, 10**9)]
        assert revisions == list(range(1, store.revision() + 1))
    finally:
        store.close()
        directory.close()


def _rounds(folder: Path, rounds: int) -> None:
    chance = random.Random(rounds)  # noqa: S311 - repeatable, not secret
    acknowledged: list[list[str]] = []
    for i in range(rounds):
        acknowledged += _write_until_killed(folder, f"r{i}", chance.randrange(1, 400))
        _check(folder, acknowledged)


def test_kill_9_loses_no_acknowledged_write(tmp_path: Path) -> None:
    _rounds(tmp_path, 4)


@pytest.mark.long
def test_kill_9_forty_times_loses_no_acknowledged_write(tmp_path: Path) -> None:
    _rounds(tmp_path, 40)
