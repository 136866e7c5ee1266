"""`make faults`: what is promised about faults, measured on both stores; SHORT=1 in minutes.

Each measurement's rows are kept under build/bench/faults, keyed by the code, so that an interrupted
run goes on. Writes build/bench/faults.json, in the row format of `evaluate`.
"""

import argparse
import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from tests.bench import rows
from tests.bench.faults import damage, fsync_kill, kill9, powerloss, servers
from tests.postgres import PostgresServer

ROOT = Path(__file__).resolve().parents[3]
BUILD = ROOT / "build" / "bench"
CODE = ("server", "tests/bench", "tests/postgres.py")
SQLITE, POSTGRES = "sqlite", "postgres"


@dataclass(frozen=True, slots=True)
class Size:
    """How much of each measurement."""

    kills: int
    postgres_kills: int
    seeds: int
    fsync_step: int
    flips: int
    upserts: int
    read_s: float
    bulk: int
    replica_kills: int


SHORT = Size(5, 3, 100, 6, 1, 200, 3.0, 5_000, 1)
LONG = Size(1_000, 100, 1_000, 1, 40, 1_000, 15.0, 100_000, 10)
Measured = Iterator[rows.Row]


def row(
    measure: str, system: str, value: float, unit: str, *, n: int, required: float, better: str
) -> rows.Row:
    """A figure of one store."""
    name = f"faults/{measure}/{system}"
    fields = {"n": n, "required": required, "better": better}
    return rows.Row(name, value, unit, **fields, system=system, measure=measure)  # type: ignore[arg-type]


def kills(size: Size, work: Path) -> Measured:
    """kill -9 of the writer."""
    missing, total = kill9.kill_lost(SQLITE, work / "data", size.kills)
    yield row("kill9_lost", SQLITE, missing, "writes", n=total, required=0, better="lower")
    with _postgres() as server:
        missing, total = kill9.kill_lost(server.url, work / "postgres", size.postgres_kills)
    yield row("kill9_lost", POSTGRES, missing, "writes", n=total, required=0, better="lower")


def losses_of_power(size: Size, work: Path) -> Measured:
    """Drawn disks; PostgreSQL's own is its own promise."""
    missing, drawn = powerloss.powerloss_lost(work / "power", size.seeds)
    yield row("powerloss_lost", SQLITE, missing, "writes", n=drawn, required=0, better="lower")


def kills_at_fsync(size: Size, work: Path) -> Measured:
    """Every sync and rename of a migration and a publication."""
    missing, made = fsync_kill.fsync_lost(work / "fsync", size.fsync_step)
    yield row("kill_at_fsync_lost", SQLITE, missing, "writes", n=made, required=0, better="lower")


def damages(size: Size, work: Path) -> Measured:
    """Every file, every damage."""
    found = list(damage.cases(work / "damage", size.flips))
    n = len(found)
    wrong = sum("wrong" in (case.outcome, case.again) for case in found)
    loops = sum("crash" in (case.outcome, case.again) for case in found)
    projections = [case for case in found if Path(case.file).name not in damage.STORE]
    rebuilt = sum("right" in (case.outcome, case.again) for case in projections) / len(projections)
    noticed = sum(case.noticed for case in found) / n
    yield row("damage_detected", SQLITE, noticed, "share", n=n, required=1, better="higher")
    yield row("damage_served_wrong", SQLITE, wrong, "cases", n=n, required=0, better="lower")
    yield row("damage_crash_loops", SQLITE, loops, "cases", n=n, required=0, better="lower")
    yield row(
        "damage_rebuilt", SQLITE, rebuilt, "share", n=len(projections), required=1, better="higher"
    )


def of_servers(size: Size, work: Path) -> Measured:
    """Real servers, alone over SQLite and two over PostgreSQL."""
    artifact = servers.small_artifact(BUILD / "faults")
    with servers.running(artifact, work, (), None) as start:
        address = start("alone").wait_serving()
        yield from _of_addresses(size, SQLITE, address, address)
    with (
        _postgres() as server,
        servers.running(artifact, work, (), server) as start,
    ):
        first, second = (one.wait_serving() for one in (start("one"), start("two")))
        yield from _of_addresses(size, POSTGRES, first, second)
        failed, calls = servers.replica_kill_failed(start, first, size.replica_kills)
        yield row(
            "replica_kill_failed", POSTGRES, failed, "calls", n=calls, required=0, better="lower"
        )


def _of_addresses(size: Size, system: str, first: str, second: str) -> Measured:
    waits = servers.upsert_to_found_ms(first, second, size.upserts)
    lower = partial(row, better="lower")
    yield lower(
        "upsert_to_found_p99_ms", system, servers.p99(waits), "ms", n=len(waits), required=300
    )
    idle, busy = servers.reads_under_writes(first, size.read_s)
    yield lower("read_p99_under_writes_vs_idle", system, busy / idle, "ratio", n=1, required=2.5)
    speed = servers.bulk_rows_per_s(first, size.bulk)
    yield row(
        "bulk_rows_per_s", system, speed, "rows/s", n=size.bulk, required=6_000, better="higher"
    )


MEASUREMENTS: dict[str, Callable[[Size, Path], Measured]] = {
    "kill9": kills,
    "powerloss": losses_of_power,
    "fsync": kills_at_fsync,
    "damage": damages,
    "servers": of_servers,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure what is not kept yet, write the rows and print a table that marks what is missed."""
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--short", action="store_true", help="a few of each, in minutes")
    parser.add_argument("--only", choices=MEASUREMENTS, help="one measurement")
    options = parser.parse_args(argv)
    size = SHORT if options.short else LONG
    found: list[rows.Row] = []
    for name, measure in MEASUREMENTS.items():
        if options.only in (None, name):
            found += _kept(f"{name}-{'short' if options.short else 'long'}", size, measure)
    for one in found:
        over = one.value - (one.required or 0)
        reached = over <= 0 if one.better == "lower" else over >= 0
        sys.stdout.write(
            f"{one.name:46} {one.value:12.3f} {one.unit:7} of {one.n}, required {one.required}"
            f"{'' if reached else '  MISSED'}\n"
        )
    rows.write(BUILD / "faults.json", found)
    return 0


def _kept(name: str, size: Size, measure: Callable[[Size, Path], Measured]) -> list[rows.Row]:
    """The rows of a measurement, from its stamp where the code is the same."""
    stamp = BUILD / "faults" / f"{name}.json"
    key = _key(size)
    if stamp.is_file():
        kept = json.loads(stamp.read_text(encoding="utf-8"))
        if kept["key"] == key:
            return [rows.Row(**one) for one in kept["rows"]]
    sys.stdout.write(f"{name} ...\n")
    sys.stdout.flush()
    work = Path(tempfile.mkdtemp(prefix="relatum-faults-"))
    try:
        found = list(measure(size, work))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(json.dumps({"key": key, "rows": [asdict(one) for one in found]}), "utf-8")
    return found


def _key(size: Size) -> str:
    digest = hashlib.sha256(repr(size).encode())
    for place in CODE:
        path = ROOT / place
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(file.read_bytes())
    return digest.hexdigest()


@contextmanager
def _postgres() -> Iterator[PostgresServer]:
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.close()


if __name__ == "__main__":
    raise SystemExit(main())
