"""Each requirement held against the rows, or against values of units where sets are pooled."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relatum_export.evaluation.intervals import Interval
from relatum_export.evaluation.rows import OWN, is_lower_better
from relatum_export.suite.differences import best_of, pooled
from relatum_export.suite.required import (
    REQUIREMENTS,
    Beats,
    EachSet,
    Figure,
    Pooled,
    Requirement,
)

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One requirement.

    Attributes:
        label: the row's name, or what is compared.
        value: None where it was not measured.
        low: lower end of the 95 % interval; None where there is none.
        high: upper end.
        required: as a person reads it.
        wanted: likewise; "" where nothing is said.
        reached: None where it was not measured.
        has_wanted: whether what is hoped for is reached as well.
    """

    label: str
    value: float | None
    low: float | None
    high: float | None
    required: str
    wanted: str = ""
    reached: bool | None = None
    has_wanted: bool = False


def verdicts(
    rows: Iterable[Row], suite: Path, requirements: Sequence[Requirement] = REQUIREMENTS
) -> list[Verdict]:
    """What is reached, missed, or not measured, in the order of the requirements.

    Args:
        rows: of all sets.
        suite: folder with a folder a set, in which `rows.json` and its values lie.
        requirements: to hold against them.

    Raises:
        InputError: the values of a set are damaged.
    """
    by_name = {row["name"]: row for row in rows}
    found = []
    for one in requirements:
        if isinstance(one, Pooled):
            found.append(_of_pooled(one, by_name, suite))
        elif isinstance(one, EachSet):
            found += _of_each(one, by_name.values())
        else:
            row = by_name.get(one.name)
            found.append(_of_figure(one, row) if isinstance(one, Figure) else _of_beats(one, row))
    return found


def _of_figure(one: Figure, row: Row | None) -> Verdict:
    lower = is_lower_better(_measure(one.name))
    sign = "≤" if lower else "≥"
    required = f"{sign} {one.required:g}"
    wanted = "" if one.wanted is None else f"{sign} {one.wanted:g}"
    if row is None:
        return Verdict(one.name, None, None, None, required, wanted)
    value = row["value"]
    return Verdict(
        *(one.name, value, row["low"], row["high"], required, wanted),
        reached=_at_least(value, one.required, lower=lower),
        has_wanted=one.wanted is not None and _at_least(value, one.wanted, lower=lower),
    )


def _of_each(one: EachSet, rows: Iterable[Row]) -> list[Verdict]:
    """Of every set that has the figure; one that was not measured where none has."""
    pairs = [(one.of(row), row) for row in rows]
    found = [_of_figure(figure, row) for figure, row in pairs if figure is not None]
    return found or [_of_figure(Figure(one.label, one.required, one.wanted), None)]


def _of_beats(one: Beats, row: Row | None) -> Verdict:
    lower = is_lower_better(_measure(one.group))
    required = f"{'<' if lower else '>'} 0{', CI too' if one.surely else ''}"
    if row is None:
        return Verdict(one.name, None, None, None, required)
    value, low, high = row["value"], row["low"], row["high"]
    end = (high if lower else low) if one.surely else value
    reached = end is not None and bool(end < 0 if lower else end > 0)
    return Verdict(one.name, value, low, high, required, reached=reached)


def _measure(name: str) -> str:
    """Of a name that begins with set and split."""
    return name.split("/", 2)[2]


def _of_pooled(one: Pooled, rows: Mapping[str, Row], suite: Path) -> Verdict:
    sign = ">" if one.surely and one.least >= 0 else "≥"
    required = f"{sign} {one.least:g}{', CI too' if one.surely else ''}"
    if any(f"{group}/{OWN}" not in rows for group in one.groups):
        return Verdict(one.label, None, None, None, required)
    gain = pooled_gain(one, suite)
    if gain is None:
        return Verdict(one.label, None, None, None, required)
    end = gain.low if one.surely else gain.value
    reached = bool(end > one.least if sign == ">" else end >= one.least)
    return Verdict(one.label, gain.value, gain.low, gain.high, required, reached=reached)


def pooled_gain(one: Pooled, suite: Path) -> Interval | None:
    """Mean over the sets of relatum's figure less the other's; see ``differences.pooled``.

    Returns:
        None where a set lacks its values or the other system, or measured it on other units.
    """
    pairs = []
    for group in one.groups:
        set_name, split, measure = group.split("/", 2)
        rows = suite / set_name / "rows.json"
        own = best_of(rows, split, measure, [OWN])
        other = best_of(rows, split, measure, one.others)
        if own is None or other is None:
            return None  # its rows are kept from an earlier build, or it was not measured
        pairs.append((own, other))
    return pooled(pairs, one.factor)


def _at_least(value: float, bound: float, *, lower: bool) -> bool:
    return value <= bound if lower else value >= bound
