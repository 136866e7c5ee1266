"""Whether an exported variant ranks as PyTorch does."""

from dataclasses import dataclass

import numpy as np

from relatum_export.evaluation.rows import Outcome

RELATIVE_TOLERANCE = 0.005
UNIT_TOLERANCE = 0.01
MAX_CHANGED_UNITS = 2


@dataclass(frozen=True, slots=True)
class AgreementResult:
    """A variant's measure beside the reference's.

    Attributes:
        changed: units whose own measure differs by more than .01.
        agrees: at most .5 % relative difference, or at most two units changed.
    """

    split: str
    measure: str
    system: str
    value: float
    reference: float
    changed: int
    agrees: bool


def agreement(variant: Outcome, reference: Outcome) -> AgreementResult:
    """Compare two outcomes over the same units by the project's rule.

    Raises:
        ValueError: they measure different things or units.
    """
    same = (variant.split, variant.measure, variant.units)
    if same != (reference.split, reference.measure, reference.units):
        raise ValueError("agreement needs the same split, measure and units")
    difference = abs(_per_unit(variant) - _per_unit(reference))
    changed = int((difference > UNIT_TOLERANCE).sum())
    relative = abs(variant.value - reference.value) / max(abs(reference.value), 1e-12)
    agrees = relative <= RELATIVE_TOLERANCE or changed <= MAX_CHANGED_UNITS
    return AgreementResult(
        variant.split,
        variant.measure,
        variant.system,
        variant.value,
        reference.value,
        changed,
        agrees,
    )


def _per_unit(outcome: Outcome) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.divide(
        outcome.numerator,
        outcome.denominator,
        out=np.zeros_like(outcome.numerator),
        where=outcome.denominator > 0,
    )
