"""The row that every measurement of the project is written as, and what protocols hand over."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from relatum_export.evaluation.evidence import Evidence
from relatum_export.evaluation.intervals import Interval, percentile_interval, resampled_sums

ZERO_SHOT = "zero-shot"
BASELINES = (ZERO_SHOT, f"{ZERO_SHOT}-title")
OWN = "relatum"
TEXT_ALONE = f"{OWN}-text"  # its vectors, without what it adds for words
REFITTED = "+valid"
VERSUS = "/vs-"
LOWER_IS_BETTER = ("ECE", "Brier", "NLL", "loss", "Gini")
BITS = ("novelty",)
Combine: TypeAlias = Literal["ratio", "mean of ratios", "sum of distances"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One system's measure on one split, unit by unit.

    The figure is made of the sums over the units (see ``figure``), so that it can be resampled:
    most are one ratio of sums, macro-F1 a mean of one ratio a class, ECE a sum over bins.

    Attributes:
        split: valid or test.
        system: as in the rows.
        measure: as in the rows.
        units: the queries, shoppers, bundles or pairs that the bootstrap resamples.
        numerator: float64 [units], or [units, parts] where the figure has parts.
        denominator: of the same shape.
        combine: how the parts' sums make the figure.
        evidence: what the report shows of the units, if it does.
    """

    split: str
    system: str
    measure: str
    units: tuple[str, ...]
    numerator: NDArray[np.float64]
    denominator: NDArray[np.float64]
    combine: Combine = "ratio"
    evidence: Evidence | None = None

    @property
    def value(self) -> float:
        """The figure."""
        top, bottom = self.columns()
        return float(figure(top.sum(axis=0), bottom.sum(axis=0), self.combine))

    def columns(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Numerator and denominator as [units, parts]."""
        shape = (len(self.units), -1) if self.units else (0, 1)
        return self.numerator.reshape(shape), self.denominator.reshape(shape)


def figure(
    top: NDArray[np.float64], bottom: NDArray[np.float64], combine: Combine
) -> NDArray[np.float64]:
    """The figure of sums over units, float64 [...].

    Args:
        top: sums of numerators, [..., parts].
        bottom: sums of denominators, [..., parts].
        combine: a ratio of the totals; the mean of the parts' ratios, 0 for a part without a
            denominator; or the distances of the parts from 0, added, over the total denominator.
    """
    if combine == "mean of ratios":
        ratios = np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0)
        return np.asarray(ratios.mean(axis=-1), np.float64)
    if combine == "sum of distances":
        top = np.abs(top)
    whole = bottom.sum(axis=-1)
    empty = np.zeros_like(whole)
    return np.asarray(np.divide(top.sum(axis=-1), whole, out=empty, where=whole > 0), np.float64)


@dataclass(frozen=True, slots=True)
class Row:
    """One figure; field order is the order in the file.

    Attributes:
        name: SET/SPLIT/MEASURE/SYSTEM.
        unit: None for a share.
        low: lower end of the 95 % interval.
        high: upper end.
        n: units measured.
        required: what an issue demands, if it does.
        better: higher or lower.
    """

    name: str
    set: str | None
    split: str | None
    system: str | None
    measure: str
    value: float
    unit: str | None
    low: float | None
    high: float | None
    n: int | None
    required: float | None
    better: str

    def as_json(self) -> dict[str, Any]:
        """The row as written to the file."""
        return asdict(self)


def mean_outcome(
    split: str,
    system: str,
    measure: str,
    units: list[str],
    values: list[float],
    *,
    evidence: Evidence | None = None,
) -> Outcome:
    """An outcome whose figure is the mean of one value a unit."""
    array = np.asarray(values, dtype=np.float64)
    ones = np.ones_like(array)
    return Outcome(split, system, measure, tuple(units), array, ones, evidence=evidence)


def rows_of(
    set_name: str, outcomes: list[Outcome], *, baselines: Sequence[str] = BASELINES
) -> list[Row]:
    """Rows with intervals; after a system's own its differences to others.

    Outcomes of one split and measure are resampled together, so the differences are paired. A
    difference is a slice of its measure: ``NDCG@10/vs-zero-shot``. Each system is set against the
    baselines, and relatum, which is to be shown better, against every system that is not its own.
    """
    groups: dict[tuple[str, str, tuple[str, ...]], list[Outcome]] = {}
    shared: dict[tuple[str, ...], list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.units:
            groups.setdefault((outcome.split, outcome.measure, outcome.units), []).append(outcome)
            shared.setdefault(outcome.units, []).append(outcome)
    # Drawing is what takes time, so all measures of the same units are resampled at once.
    samples = {id(o): one for batch in shared.values() for o, one in _resampled(batch)}
    rows = []
    for group in groups.values():
        rows += _group_rows(set_name, group, samples, baselines)
    return rows


def _resampled(batch: list[Outcome]) -> Iterator[tuple[Outcome, NDArray[np.float64]]]:
    """Each outcome's figure in each resample of their common units, float64 [resamples]."""
    columns: list[NDArray[np.float64]] = []
    start: dict[bytes, int] = {}  # equal columns, such as the ones under a mean, count once
    places = []
    for outcome in batch:
        place = []
        for part in outcome.columns():
            key = part.tobytes()
            if key not in start:
                start[key] = sum(one.shape[1] for one in columns)
                columns.append(part)
            place.append(slice(start[key], start[key] + part.shape[1]))
        places.append(place)
    sums = resampled_sums(np.concatenate(columns, axis=1))
    for outcome, (top, bottom) in zip(batch, places, strict=True):
        yield outcome, figure(sums[:, top], sums[:, bottom], outcome.combine)


def _group_rows(
    set_name: str,
    group: list[Outcome],
    samples: Mapping[int, NDArray[np.float64]],
    baselines: Sequence[str],
) -> list[Row]:
    place = {outcome.system: outcome for outcome in group}
    rows = []
    for outcome in group:
        own = samples[id(outcome)]
        interval = percentile_interval(outcome.value, own)
        rows.append(row_of(set_name, outcome, outcome.measure, interval))
        for baseline in compared(outcome.system, list(place), baselines):
            other = place[baseline]
            change = outcome.value - other.value
            paired = percentile_interval(change, own - samples[id(other)])
            rows.append(row_of(set_name, outcome, f"{outcome.measure}{VERSUS}{baseline}", paired))
    return rows


def compared(system: str, others: Sequence[str], baselines: Sequence[str]) -> list[str]:
    """The systems of a group that one is set against.

    A system fitted again on train and valid meets only those fitted so.
    """
    found = [
        baseline
        for baseline in baselines
        if baseline in others and system not in baselines[: baselines.index(baseline) + 1]
    ]
    if system in {OWN, OWN + REFITTED}:
        refitted = system.endswith(REFITTED)
        found += [
            other
            for other in others
            if other not in found
            and (other in {f"{OWN}-uncalibrated", TEXT_ALONE} or not is_own(other))
            and other.endswith(REFITTED) == refitted
        ]
    return found


def is_own(system: str) -> bool:
    """Whether a system is relatum in one of its forms."""
    return system in {OWN, OWN + REFITTED} or system.startswith(f"{OWN}-")


def own_better(row: Row) -> bool | None:
    """What a difference's interval says: better, worse, or None where 0 lies within."""
    if row.low is None or row.high is None or row.low <= 0 <= row.high:
        return None
    return (row.low > 0) == (row.better == "higher")


def row_of(set_name: str, outcome: Outcome, measure: str, value: float | Interval) -> Row:
    """The row of a figure over an outcome's units.

    Args:
        set_name: of the name.
        outcome: whose split, system and units the figure is of.
        measure: of the name.
        value: the figure, alone or with its interval.
    """
    interval = value if isinstance(value, Interval) else None
    return Row(
        name=f"{set_name}/{outcome.split}/{measure}/{outcome.system}",
        set=set_name,
        split=outcome.split,
        system=outcome.system,
        measure=measure,
        value=value.value if isinstance(value, Interval) else value,
        unit="bits" if measure.split("/", maxsplit=1)[0] in BITS else None,
        low=None if interval is None else interval.low,
        high=None if interval is None else interval.high,
        n=len(outcome.units),
        required=None,
        better="lower" if is_lower_better(measure) else "higher",
    )


def is_lower_better(measure: str) -> bool:
    """Whether of two figures of a measure, or of a slice of it, the lower is the better one."""
    return measure.split("/", maxsplit=1)[0] in LOWER_IS_BETTER
