"""What stands behind a figure, case by case: asked, given, right, and the slices of each case."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

SHOWN_CHARS = 160  # of a text in the gallery


@dataclass(frozen=True, slots=True)
class Case:
    """One unit for people.

    Attributes:
        asked: the query, or the history as titles.
        right: ids or texts of what was right.
        slices: the label of the case by dimension, such as ``{"history": "history-1-3"}``.
    """

    asked: str
    right: tuple[str, ...]
    slices: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cases:
    """The cases of one protocol on one split.

    Attributes:
        kind: of the protocol.
        by_unit: each case.
        titles: what to show for an id; an id without one, or a text, is shown as it is.
    """

    kind: str
    by_unit: Mapping[str, Case]
    titles: Mapping[str, str] = field(default_factory=dict)

    def shown(self, answer: str) -> str:
        """An answer for people, cut to a line or two."""
        text = self.titles.get(answer) or answer
        return text if len(text) <= SHOWN_CHARS else text[: SHOWN_CHARS - 1] + "…"


@dataclass(frozen=True, slots=True)
class Given:
    """What a system gave each unit, best first.

    Attributes:
        answers: ids or texts that could be given.
        ranked: positions in ``answers``, int64 [units, depth]; -1 where nothing more was given.
    """

    answers: Sequence[str]
    ranked: NDArray[np.int64]

    @classmethod
    def of(
        cls, answers: Sequence[str], lists: Sequence[Sequence[int] | NDArray[np.intp]]
    ) -> "Given":
        """From one list a unit, of any lengths."""
        depth = max((len(one) for one in lists), default=0)
        ranked = np.full((len(lists), depth), -1, np.int64)
        for row, one in zip(ranked, lists, strict=True):
            row[: len(one)] = one
        return cls(answers, ranked)

    def of_unit(self, position: int) -> list[str]:
        """What one unit was given."""
        return [self.answers[i] for i in self.ranked[position].tolist() if i >= 0]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a protocol keeps beside an outcome for the report.

    Attributes:
        cases: of the split; None where the outcome is no protocol's main figure.
        given: what the system answered.
        confidence: of the top label of each unit, float64 [units]; a classifier's alone.
        right: whether that label was right, bool [units].
    """

    cases: Cases | None = None
    given: Given | None = None
    confidence: NDArray[np.float64] | None = None
    right: NDArray[np.bool_] | None = None
