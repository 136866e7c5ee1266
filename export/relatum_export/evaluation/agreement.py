"""When an exported variant counts as ranking as PyTorch does: the project's one rule."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
    changed = changed_units(_per_unit(variant), _per_unit(reference))
    return AgreementResult(
        variant.split,
        variant.measure,
        variant.system,
        variant.value,
        reference.value,
        changed,
        agrees(variant.value, reference.value, changed),
    )


def changed_units(values: NDArray[np.float64], references: NDArray[np.float64]) -> int:
    """How many units (queries, shoppers, pairs) have a measure of their own that changed.

    Args:
        values: the variant's measure of each unit, float64 [units], or [units, parts] of a figure
            that has parts: one changed part makes a changed unit.
        references: the reference's, in the same order.
    """
    changed = np.abs(values - references) > UNIT_TOLERANCE
    return int(changed.reshape(len(values), -1).any(axis=1).sum()) if len(values) else 0


def agrees(value: float, reference: float, changed: int) -> bool:
    """At most .5 % relative difference, or at most two units changed."""
    close = abs(value - reference) <= RELATIVE_TOLERANCE * abs(reference)
    return close or changed <= MAX_CHANGED_UNITS


def _per_unit(outcome: Outcome) -> NDArray[np.float64]:
    """A unit without a denominator is a pair rightly called different: nothing is wrong with it."""
    return np.divide(
        outcome.numerator,
        outcome.denominator,
        out=np.ones_like(outcome.numerator),
        where=outcome.denominator > 0,
    )
