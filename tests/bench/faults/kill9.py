"""kill -9 at any moment of writing: how many acknowledged writes are lost."""

import random
import shutil
from pathlib import Path

from tests.bench.faults.writing import Line, lost, opened, written_until_killed

CHECKED = 50  # kills after which a fresh directory is begun: checks read all of it


def kill_lost(name: str, folder: Path, kills: int, seed: int = 0) -> tuple[int, int]:
    """Lost writes, and acknowledged ones, over so many kills.

    Args:
        name: of the store, as `--store` takes it.
        folder: data directory to make.
        kills: how often the writer is killed.
        seed: of the moments.
    """
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    acknowledged: list[Line] = []
    missing = total = 0
    for i in range(kills):
        if i % CHECKED == 0 and name == "sqlite":
            shutil.rmtree(folder, ignore_errors=True)
            acknowledged = []
        new = written_until_killed(name, folder, f"r{seed}.{i}", chance)
        acknowledged += new
        total += len(new)
        with opened(name, folder) as store:
            missing += len(lost(store, acknowledged))
    return missing, total
