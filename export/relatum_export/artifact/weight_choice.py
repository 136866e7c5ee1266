"""How much something counts beside cosines: the weight that the shop's own judgements ask for."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Generic, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from relatum_export.evaluation.rows import Outcome

Use = TypeVar("Use", bound=str)


@dataclass(frozen=True, slots=True)
class Choice(Generic[Use]):
    """The weight of one use, and why.

    Attributes:
        use: what it is for.
        weight: the weight.
        measure: what it was chosen by; "" where nothing is judged and it is the default.
        units: queries, questions or bundles measured.
        figures: by weight.
        differences: of each to the default, by weight: mean and standard error.
    """

    use: Use
    weight: float
    measure: str = ""
    units: int = 0
    figures: Mapping[str, float] | None = None
    differences: Mapping[str, tuple[float, float]] | None = None

    def metrics(self) -> dict[str, Any]:
        """For `metrics.json`."""
        return asdict(self)

    def __str__(self) -> str:
        """A line for people."""
        if not self.measure:
            return f"{self.use} {self.weight:g} (nothing to choose by)"
        tried = ", ".join(f"{w}: {value:.4f}" for w, value in (self.figures or {}).items())
        return f"{self.use} {self.weight:g} ({self.measure} of {self.units}: {tried})"


def weighed(use: Use, found: Mapping[float, Sequence[Outcome]], default: float) -> Choice[Use]:
    """The best weight that beats the default by more than one standard error; else the default.

    Args:
        use: what the weight is for.
        found: what was measured by weight, split by split and perhaps encoder by encoder, the same
            units each; nothing where nothing is judged.
        default: one of the weights.
    """
    if not any(found.values()):
        return Choice(use, default)
    splits = list(dict.fromkeys(o.split for o in found[default]))
    tops = {w: _averaged(each, splits, "numerator") for w, each in found.items()}
    sizes = _averaged(found[default], splits, "denominator")
    figures = {w: float(top.sum() / sizes.sum()) for w, top in tops.items()}
    differences = {w: paired_difference(top, tops[default], sizes) for w, top in tops.items()}
    better = [w for w, (difference, error) in differences.items() if difference > error]
    weight = max(better, key=lambda w: (figures[w], -abs(w - default)), default=default)
    return Choice(
        use,
        weight,
        f"{found[default][0].measure} on {' and '.join(splits)}",
        len(sizes),
        {f"{w:g}": value for w, value in figures.items()},
        {f"{w:g}": difference for w, difference in differences.items()},
    )


def _averaged(
    outcomes: Sequence[Outcome], splits: Sequence[str], column: Literal["numerator", "denominator"]
) -> NDArray[np.float64]:
    """A column over the units of all splits, averaged over the encoders, float64 [units]."""
    parts = [
        np.mean([getattr(o, column) for o in outcomes if o.split == split], axis=0)
        for split in splits
    ]
    return np.concatenate(parts)


def paired_difference(
    tops: NDArray[np.float64], others: NDArray[np.float64], sizes: NDArray[np.float64]
) -> tuple[float, float]:
    """Difference of two ratios over the same units, and its standard error.

    Args:
        tops: numerators of the one, float64 [units].
        others: of the other.
        sizes: denominators of both.

    **Source**: the linearised variance of a ratio, Cochran 1977, Sampling Techniques, section 2.11.
    """
    units, total = len(sizes), float(sizes.sum())
    difference = float((tops - others).sum()) / total
    rest = tops - others - difference * sizes
    error = float(np.sqrt((rest**2).sum() * units / max(units - 1, 1))) / total
    return difference, error
