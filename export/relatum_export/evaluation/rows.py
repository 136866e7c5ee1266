"""The row that every measurement of the project is written as, and what protocols hand over."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relatum_export.evaluation.intervals import Interval, percentile_interval, resampled_ratios

ZERO_SHOT = "zero-shot"
BASELINES = (ZERO_SHOT, f"{ZERO_SHOT}-title")
VERSUS = "/vs-"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One system's measure on one split, unit by unit.

    The figure is the sum of ``numerator`` over the sum of ``denominator`` (see
    ``intervals.resampled_ratios``).

    Attributes:
        split: valid or test.
        system: as in the rows.
        measure: as in the rows.
        units: the queries, shoppers, bundles or pairs that the bootstrap resamples.
        numerator: float64 [units].
        denominator: float64 [units].
    """

    split: str
    system: str
    measure: str
    units: tuple[str, ...]
    numerator: NDArray[np.float64]
    denominator: NDArray[np.float64]

    @property
    def value(self) -> float:
        """The figure."""
        return float(self.numerator.sum() / max(self.denominator.sum(), 1e-12))


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
    split: str, system: str, measure: str, units: list[str], values: list[float]
) -> Outcome:
    """An outcome whose figure is the mean of one value a unit."""
    array = np.asarray(values, dtype=np.float64)
    return Outcome(split, system, measure, tuple(units), array, np.ones_like(array))


def rows_of(
    set_name: str, outcomes: list[Outcome], *, baselines: Sequence[str] = BASELINES
) -> list[Row]:
    """Rows with intervals; after a system's own its differences to the baselines.

    Outcomes of one split and measure are resampled together, so the differences are paired. A
    difference is a slice of its measure: ``NDCG@10/vs-zero-shot``.
    """
    groups: dict[tuple[str, str, tuple[str, ...]], list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.units:
            groups.setdefault((outcome.split, outcome.measure, outcome.units), []).append(outcome)
    rows = []
    for group in groups.values():
        rows += _group_rows(set_name, group, baselines)
    return rows


def _group_rows(set_name: str, group: list[Outcome], baselines: Sequence[str]) -> list[Row]:
    samples = resampled_ratios(
        np.stack([outcome.numerator for outcome in group], axis=1),
        np.stack([outcome.denominator for outcome in group], axis=1),
    )
    place = {outcome.system: i for i, outcome in enumerate(group)}
    rows = []
    for i, outcome in enumerate(group):
        own = percentile_interval(outcome.value, samples[:, i])
        rows.append(_row(set_name, outcome, outcome.measure, own))
        for baseline in baselines:
            at = place.get(baseline)
            if at is None or outcome.system in baselines[: baselines.index(baseline) + 1]:
                continue
            change = outcome.value - group[at].value
            paired = percentile_interval(change, samples[:, i] - samples[:, at])
            rows.append(_row(set_name, outcome, f"{outcome.measure}{VERSUS}{baseline}", paired))
    return rows


def _row(set_name: str, outcome: Outcome, measure: str, interval: Interval) -> Row:
    return Row(
        name=f"{set_name}/{outcome.split}/{measure}/{outcome.system}",
        set=set_name,
        split=outcome.split,
        system=outcome.system,
        measure=measure,
        value=interval.value,
        unit=None,
        low=interval.low,
        high=interval.high,
        n=len(outcome.units),
        required=None,
        better="higher",
    )
