"""The row that every benchmark of the project writes, as in `relatum-export evaluate --json`."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Row:
    """One measured number; None where a field does not apply."""

    name: str
    value: float
    unit: str
    low: float | None = None
    high: float | None = None
    n: int | None = None
    required: float | None = None
    better: str = "lower"
    set: str | None = None
    split: str | None = None
    system: str | None = None
    measure: str | None = None


def of_runs(
    name: str,
    values: Sequence[float],
    unit: str,
    *,
    required: float | None = None,
    better: str = "lower",
) -> Row:
    """The median of several interleaved runs, with the smallest and largest beside it."""
    return Row(
        name,
        statistics.median(values),
        unit,
        low=min(values),
        high=max(values),
        n=len(values),
        required=required,
        better=better,
    )


def write(path: Path, rows: Sequence[Row]) -> None:
    """Write rows as a JSON list."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n", encoding="utf-8")
