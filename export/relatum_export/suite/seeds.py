"""Mean and spread of each figure over the seeds of the random trainings."""

import json
import statistics
from pathlib import Path
from typing import Any

from relatum_export.atomic_file import write_text
from relatum_export.errors import InputError
from relatum_export.evaluation.rows import OWN, REFITTED
from relatum_export.suite.plan import Folders
from relatum_export.suite.report import Beside
from relatum_export.suite.required import STUDENT

SYSTEMS = (OWN, OWN + REFITTED, STUDENT)
SeedRow = dict[str, Any]


def seeds_file(build: Path) -> Path:
    """Where mean and spread lie."""
    return Folders(build).suite / "seeds.json"


def judged_rows(build: Path, seed: int) -> Path:
    """The rows of all sets that a seed's artifacts came to.

    Raises:
        InputError: it has not been judged.
    """
    file = Folders(build, seed).suite / "all.json"
    if not file.is_file():
        command = "evaluate" if not seed else "seeds"
        raise InputError(f"{file} is not there; run `make {command}` first")
    return file


def seed_rows(build: Path, count: int) -> list[SeedRow]:
    """One row a figure that every seed has: name, mean, standard deviation, each seed's value.

    Args:
        build: of everything derived.
        count: seeds, from 0 on; two at least, for a spread.

    Raises:
        InputError: a seed has not been judged.
    """
    by_seed = []
    for seed in range(count):
        rows = json.loads(judged_rows(build, seed).read_text(encoding="utf-8"))
        by_seed.append({row["name"]: row for row in rows if row["system"] in SYSTEMS})
    first = by_seed[0]
    found = []
    for name in sorted(set(first).intersection(*by_seed[1:])):
        values = [rows[name]["value"] for rows in by_seed]
        found.append(
            {
                "name": name,
                **{key: first[name][key] for key in ("set", "split", "measure", "system")},
                "value": statistics.fmean(values),
                "spread": statistics.stdev(values),
                "seeds": values,
            }
        )
    return found


def write_seeds(build: Path, count: int) -> list[SeedRow]:
    """Write ``seeds_file`` and return its rows.

    Raises:
        InputError: a seed has not been judged.
    """
    rows = seed_rows(build, count)
    text = json.dumps(rows, ensure_ascii=False, indent=1) + "\n"
    write_text(seeds_file(build), text)
    return rows


def shown(rows: list[SeedRow]) -> Beside:
    """The figures on whole sets, without slices, for people."""
    lines = [
        (
            row["name"],
            f"{row['value']:.4f}",
            f"{row['spread']:.4f}",
            " ".join(f"{value:.4f}" for value in row["seeds"]),
        )
        for row in rows
        if "/" not in row["measure"]
    ]
    note = "Mean and standard deviation over the seeds of the random trainings."
    return Beside("Seeds", note, ("figure", "mean", "spread", "each seed"), lines)


def section(build: Path) -> Beside | None:
    """The same as part of the page of all sets; None until seeds were run."""
    file = seeds_file(build)
    return shown(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else None
