"""Real servers under writes: when a write is found, what reads pay, what a lost server costs."""

import csv
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path

import numpy as np

from relatum import Client
from relatum.errors import RelatumError
from relatum.types import Money, OfferUpdate, Product, Vector
from tests.bench.processes import ServerProcess
from tests.postgres import PostgresServer

KINDS = ("mouse", "keyboard", "monitor", "lamp", "chair", "notebook", "pen", "stapler")
COLOURS = ("black", "white", "silver", "red", "blue", "green", "brown", "grey", "pink", "gold")
RATE = 100  # upserts a second
OFFERS_A_CALL, OFFER_CALLS, NEW_PRODUCTS = 50, 10, 20  # the last two a second


def small_artifact(build: Path) -> Path:
    """The untrained English encoder over 80 products; made once."""
    artifact, corpus, items = build / "artifact", build / "corpus", build / "items.csv"
    if not (artifact / "manifest.json").is_file():
        build.mkdir(parents=True, exist_ok=True)
        with items.open("w", newline="", encoding="utf-8") as stream:
            rows = csv.writer(stream)
            rows.writerow(["item_id", "title", "category"])
            for kind in KINDS:
                for colour in COLOURS:
                    rows.writerow([f"{kind}-{colour}", f"{colour} {kind}", f"Office > {kind}"])
        _export("prepare", "--items", items, "--out", corpus, "--force")
        _export("export", "--corpus", corpus, "--encoder", "minilm", "--out", artifact, "--force")
    return artifact


@contextmanager
def running(
    artifact: Path, folder: Path, names: Sequence[str], postgres: PostgresServer | None
) -> Iterator[Callable[[str], ServerProcess]]:
    """`start(name)` starts a server; all end with the block. Yields it after those of `names`."""
    flags: tuple[str, ...] = ()
    if postgres is not None:
        flags = ("--store", postgres.url, "--user-key-file", str(folder / "shop.key"))
    with ExitStack() as ending:

        def start(name: str) -> ServerProcess:
            server = ServerProcess(artifact, folder / name, flags=flags)
            ending.callback(server.stop)
            return server

        for server in [start(name) for name in names]:
            server.wait_serving()
        yield start


def upsert_to_found_ms(writer: str, reader: str, upserts: int) -> list[float]:
    """Milliseconds from the start of an upsert until a search on the other server finds it."""
    waits: list[float] = []
    with Client(writer) as one, Client(reader) as two:
        begin = time.monotonic()
        due = [begin + i / RATE for i in range(upserts)]
        lock = threading.Lock()
        numbers = iter(range(upserts))

        def work() -> None:
            while True:
                with lock:
                    i = next(numbers, None)
                if i is None:
                    return
                time.sleep(max(0.0, due[i] - time.monotonic()))
                done = one.upsert_products([Product(id=f"new{i}", title=f"copper kettle {i}")])
                found = two.search(f"copper kettle {i}", min_revision=done.revision, page_size=3)
                if f"new{i}" not in [line.product_id for line in found.results]:
                    raise RuntimeError(f"new{i} is not found at revision {done.revision}")
                waits.append((time.monotonic() - due[i]) * 1e3)

        _together([work] * 16)
    return waits


def reads_under_writes(target: str, seconds: float) -> tuple[float, float]:
    """ListRelated's p99 in ms: idle, and during 500 offers and 20 new products a second."""
    ids = [f"{kind}-{colour}" for kind in KINDS for colour in COLOURS]
    with Client(target) as client:
        client.upsert_products([Product(id=i, title=i.replace("-", " ")) for i in ids])
        idle = _read_for(client, ids, seconds)
        stop = threading.Event()

        def offers() -> None:
            n = 0
            while not stop.wait(1 / OFFER_CALLS):
                n += 1
                price = Money(Decimal(n), "USD")
                client.update_offers([OfferUpdate(i, price) for i in ids[:OFFERS_A_CALL]])

        def products() -> None:
            n = 0
            while not stop.wait(1 / NEW_PRODUCTS):
                n += 1
                client.upsert_products([Product(id=f"fresh{n}", title=f"brass hook {n}")])

        writers = [threading.Thread(target=work, daemon=True) for work in (offers, products)]
        for thread in writers:
            thread.start()
        busy = _read_for(client, ids, seconds)
        stop.set()
        for thread in writers:
            thread.join()
    return idle, busy


def bulk_rows_per_s(target: str, rows: int) -> float:
    """Products with precomputed vectors, acknowledged durable, a second of ImportProducts."""
    with Client(target) as client:
        encoder = client.info().model.encoder_id
        rng = np.random.default_rng(0)
        dimension = client.info().model.dimension

        def products() -> Iterator[Product]:
            for i in range(rows):
                packed = rng.normal(size=dimension).astype("<f2").tobytes()
                vector = Vector("text", packed, encoder)
                yield Product(id=f"bulk{i}", title=f"steel bolt {i}", vectors=[vector])

        made = list(products())
        begin = time.monotonic()
        done = client.import_products(made)
        if done.written != rows:
            raise RuntimeError(f"{done.written} of {rows} written: {done.errors[:1]}")
        return rows / (time.monotonic() - begin)


def replica_kill_failed(
    start: Callable[[str], ServerProcess], first: str, kills: int
) -> tuple[int, int]:
    """Failed calls of clients, and all, while one of two servers is killed and started again."""
    failures: list[RelatumError] = []
    calls = [0] * 3
    for _ in range(kills):
        other = start("killed")
        target = f"{first},{other.wait_serving()}"
        stop = threading.Event()

        def call(number: int, target: str = target, stop: threading.Event = stop) -> None:
            with Client(target, timeout_s=30.0) as client:
                while not stop.is_set():
                    name = f"k{number}.{calls[number]}"
                    try:
                        client.upsert_products([Product(id=name, title=f"tin plate {name}")])
                        client.search("tin plate", page_size=3)
                    except RelatumError as error:
                        failures.append(error)
                    calls[number] += 1

        callers = [threading.Thread(target=call, args=(n,), daemon=True) for n in range(len(calls))]
        for thread in callers:
            thread.start()
        time.sleep(1.0)
        other.stop(signal.SIGKILL)
        time.sleep(2.0)
        stop.set()
        for thread in callers:
            thread.join()
    return len(failures), sum(calls)


def p99(values: Sequence[float]) -> float:
    """The 99th percentile."""
    return statistics.quantiles(values, n=100, method="inclusive")[98]


def _read_for(client: Client, ids: Sequence[str], seconds: float) -> float:
    waits = []
    end = time.monotonic() + seconds
    n = 0
    while time.monotonic() < end:
        n += 1
        begin = time.monotonic()
        client.related(product_id=ids[n % len(ids)])
        waits.append((time.monotonic() - begin) * 1e3)
    return p99(waits)


def _together(works: Sequence[Callable[[], None]]) -> None:
    errors: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised by the caller
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def _export(*arguments: object) -> None:
    subprocess.run([sys.executable, "-m", "relatum_export", *map(str, arguments)], check=True)
