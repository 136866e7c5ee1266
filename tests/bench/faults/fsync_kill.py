"""A kill at each sync and each rename of one migration and one publication, one at a time."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from relatum_server.store.identity import ShopperKey
from tests.bench.faults.publishing import BEFORE, make_old, published
from tests.bench.faults.writing import opened

CALLS = ("fsync", "fdatasync", "rename")
KILLED = -9


def fsync_lost(folder: Path, step: int = 1) -> tuple[int, int]:
    """Lost writes, and how many kills there were; every `step`-th call is killed at.

    A start after each kill must succeed, with every product that was there or acknowledged, and
    with the generation of before or the new one.
    """
    missing = kills = 0
    for call in CALLS:
        for number in range(1, 1_000, step):
            shutil.rmtree(folder, ignore_errors=True)
            make_old(folder)
            said, status = _killed_at(folder, call, number)
            if status == 0:
                break  # there is no such call any more
            kills += 1
            missing += _lost(folder, said)
    return missing, kills


def _killed_at(folder: Path, call: str, number: int) -> tuple[list[str], int]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [
            *("strace", "-f", "-qq", "-o", os.devnull, "-e", f"trace={call}"),
            *("-e", f"inject={call}:signal=KILL:when={number}"),
            *(sys.executable, "-m", "tests.bench.faults.publishing", str(folder)),
        ],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
    )
    said = [line for line in done.stdout.splitlines(keepends=True) if line.endswith("\n")]
    if done.returncode not in (0, KILLED, 128 - KILLED):
        raise RuntimeError(f"{call} {number}: {done.returncode} {done.stderr}")
    return [line.strip() for line in said], done.returncode


def _lost(folder: Path, said: list[str]) -> int:
    ShopperKey.load_or_create(folder / "user.key")
    wanted = {f"old{key}" for key in range(1, BEFORE + 1)} | {i for i in said if i != "published"}
    with opened("sqlite", folder) as store:
        missing = len(wanted - {s.product.id for s in store.scan_products()})
        missing += store.revision() < len(wanted)
    least = BEFORE + 3 if "published" in said else BEFORE
    return missing + (published(folder) < least)
