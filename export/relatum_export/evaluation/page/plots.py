"""Plots as coordinates: the template draws them as inline SVG, which needs no script."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relatum_export.evaluation.classification import bins_of
from relatum_export.evaluation.rows import Row

WIDTH = 260.0  # of bars and differences, px
SIDE = 240.0  # of square plots, px
MAX_POINTS = 600  # of a scatter or curve: more weigh the page down and show nothing new
Z = 1.959964  # 97.5th percentile of the normal distribution


@dataclass(frozen=True, slots=True)
class Span:
    """A bar or a difference with its interval on a shared scale, in px.

    Attributes:
        zero: where 0 lies.
        value: where the figure lies.
        low: the interval's ends; equal to the value where there is none.
        high: see ``low``.
    """

    zero: float
    value: float
    low: float
    high: float

    @property
    def left(self) -> float:
        """Where the bar from 0 to the figure begins."""
        return min(self.zero, self.value)

    @property
    def length(self) -> float:
        """Of that bar."""
        return abs(self.value - self.zero)


def spans(rows: Sequence[Row]) -> list[Span]:
    """Rows on one scale that holds 0 and every interval."""
    ends = [(r.value, r.value if r.low is None else r.low, r.value if r.high is None else r.high)
            for r in rows]  # fmt: skip
    least = min([0.0, *(low for _, low, _ in ends)])
    most = max([0.0, *(high for _, _, high in ends)])
    scale = WIDTH / ((most - least) or 1.0)
    return [
        Span(*((x - least) * scale for x in (0.0, value, low, high))) for value, low, high in ends
    ]


@dataclass(frozen=True, slots=True)
class BeforeAfter:
    """Each unit under zero-shot and under relatum.

    Attributes:
        points: x, y of the scatter in px, zero-shot to the right and relatum upwards.
        curve: the sorted differences as an SVG polyline.
        better: units that gained.
        equal: units that stayed.
        worse: units that lost.
    """

    points: tuple[tuple[float, float], ...]
    curve: str
    better: int
    equal: int
    worse: int


def before_after(before: NDArray[np.float64], after: NDArray[np.float64]) -> BeforeAfter:
    """Of two systems' values of the same units, float64 [units] each."""
    change = np.sort(after - before)[::-1]
    top = max(float(np.max([before, after])), 1e-9)
    few = np.unique(np.linspace(0, len(before) - 1, min(len(before), MAX_POINTS)).astype(int))
    points = {
        (round(SIDE * x / top, 1), round(SIDE * (1 - y / top), 1))
        for x, y in zip(before[few].tolist(), after[few].tolist(), strict=True)
    }
    high = max(float(np.abs(change).max()), 1e-9)
    across = SIDE / max(len(few) - 1, 1)
    curve = " ".join(
        f"{i * across:.1f},{SIDE / 2 * (1 - change[k] / high):.1f}"
        for i, k in enumerate(few.tolist())
    )
    return BeforeAfter(
        tuple(sorted(points)),
        curve,
        int((change > 0).sum()),
        int((change == 0).sum()),
        int((change < 0).sum()),
    )


@dataclass(frozen=True, slots=True)
class Bin:
    """One bin of a calibration curve.

    Attributes:
        confidence: mean probability of the top label.
        accuracy: share of cases where it was right.
        low: ends of the accuracy's 95 % interval.
        high: see ``low``.
        count: cases.
    """

    confidence: float
    accuracy: float
    low: float
    high: float
    count: int

    @property
    def x(self) -> float:
        """Across, px."""
        return self.confidence * SIDE

    def y(self, share: float) -> float:
        """A share upwards, px."""
        return SIDE * (1 - share)


def calibration(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> list[Bin]:
    """Accuracy against confidence in ten bins of equal width, empty ones left out.

    **Source**: intervals by Wilson 1927, Probable Inference; bins as of the measure ECE.

    Args:
        confidence: of the top label, float64 [cases].
        right: whether it was right, bool [cases].
    """
    place = bins_of(confidence)
    found = []
    for k in np.unique(place).tolist():
        own = place == k
        n, share = int(own.sum()), float(right[own].mean())
        middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
        half = Z / (1 + Z**2 / n) * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
        found.append(
            Bin(
                float(confidence[own].mean()),
                share,
                max(float(middle - half), 0.0),
                min(float(middle + half), 1.0),
                n,
            )
        )
    return found
