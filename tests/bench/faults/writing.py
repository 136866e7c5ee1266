"""A process that writes until it is killed and says what was acknowledged; and what must then be.

Four threads write products in pairs, events, offers and deletions, and print each acknowledged
write: `python -m tests.bench.faults.writing STORE FOLDER PREFIX`.
"""

import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from relatum_server.domain import Event, EventType, Money, OfferUpdate, Product
from relatum_server.store.base import ProductPut, Store
from relatum_server.store.directory import DataDirectory
from relatum_server.store.identity import ShopperKey
from relatum_server.store.opening import open_store

KEY = ShopperKey(b"k" * 32)
THREADS = 4
MOST_ACKNOWLEDGED = 400
Line = list[str]


@contextmanager
def opened(name: str, folder: Path) -> Iterator[Store]:
    """The store of a data directory, as a server opens it."""
    directory = DataDirectory.open(folder)
    try:
        store = open_store(name, directory, KEY, "full")
        try:
            yield store
        finally:
            store.close()
    finally:
        directory.close()


def write(store: Store, prefix: str, say: Callable[[str], None]) -> None:
    """Write for ever; each line is said after its write was acknowledged."""
    i = 0
    while True:
        name = f"{prefix}.{i}"
        pair = [Product(f"{name}.{half}", description="x" * 500, etag="e") for half in "ab"]
        done = store.write_products([ProductPut(p, text_vector=b"v" * 64) for p in pair])
        say(f"products {done.revision} {name}")
        offered = store.update_offers([OfferUpdate(f"{name}.a", Money("USD", 7), None, None, 5)])
        say(f"offers {offered.revision} {name}")
        seen = store.write_events([Event(name, EventType.VIEW, user=prefix)])
        say(f"events {seen.revision} {name}")
        if i % 3 == 0:
            done = store.write_products([], [f"{name}.a", f"{name}.b"])
            say(f"deleted {done.revision} {name}")
        i += 1


def started(
    name: str, folder: Path, prefix: str, wrapper: Sequence[str] = ()
) -> subprocess.Popen[str]:
    """The process, its standard output being a pipe."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    line = [*wrapper, sys.executable, "-m", "tests.bench.faults.writing", name, str(folder), prefix]
    return subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    )


def written_until_killed(name: str, folder: Path, prefix: str, chance: random.Random) -> list[Line]:
    """Kill the process after some acknowledgements; every whole line that it printed."""
    acknowledged = chance.randrange(1, MOST_ACKNOWLEDGED)
    with started(name, folder, prefix) as writer:
        if writer.stdout is None:
            raise RuntimeError("no pipe to the writer")
        lines = [writer.stdout.readline() for _ in range(acknowledged)]
        writer.kill()
        lines += writer.stdout.readlines()  # acknowledged before the kill, read after it
    if not lines[acknowledged - 1]:
        raise RuntimeError("the writer died by itself")
    return [line.split() for line in lines if line.endswith("\n")]


def lost(store: Store, acknowledged: Sequence[Line]) -> list[str]:
    """The acknowledged writes that the store does not hold, and what of it is half there."""
    stored = {s.product.id: s for s in store.scan_products()}
    events = {event.id for _, event in store.scan_events()}
    deleted = {name for kind, _, name in acknowledged if kind == "deleted"}
    found = []
    for kind, revision, name in acknowledged:
        leaves = int(name.rpartition(".")[2]) % 3 == 0  # its deletion may have been under way
        first = stored.get(f"{name}.a")
        there = {
            "products": leaves or first is not None,
            "offers": leaves or (first is not None and first.product.price is not None),
            "events": name in events,
            "deleted": first is None,
        }
        if not there[kind] or int(revision) > store.revision():
            found.append(f"{kind} {revision} {name}")
    # All or nothing: halves live and die together, with their vectors; deleted stays deleted.
    names = {i.rpartition(".")[0] for i in stored}
    found += [f"deleted, and there: {name}" for name in sorted(deleted & names)]
    found += [
        f"half: {name}" for name in sorted(names) if {f"{name}.a", f"{name}.b"} - stored.keys()
    ]
    if {v.key for v in store.scan_vectors("")} != {s.key for s in stored.values()}:
        found.append("vectors without products, or products without")
    revisions = [change.revision for change in store.changes(0, 10**9)]
    if revisions != list(range(1, store.revision() + 1)):
        found.append("the log has a gap")
    return found


def main() -> None:
    """Write until killed."""
    name, folder, prefix = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    out = threading.Lock()

    def say(line: str) -> None:
        with out:
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()

    with opened(name, folder) as store:
        threads = [
            threading.Thread(target=write, args=(store, f"{prefix}.{n}", say))
            for n in range(THREADS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    main()
