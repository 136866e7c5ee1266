"""The cases in which a system does worst against the best other one, for people to read."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relatum_export.evaluation.rows import OWN, ZERO_SHOT, Outcome, is_own
from relatum_export.evaluation.systems import TORCH

SUBJECTS = (OWN, TORCH, ZERO_SHOT)  # whose failures are shown: the first there is
FAILURES = 8
ANSWERS = 3  # shown of each list


@dataclass(frozen=True, slots=True)
class Failure:
    """One case.

    Attributes:
        asked: the query.
        gave: the subject's answers, best first.
        other: those of the other system.
        right: what was right.
        value: the subject's measure of the case.
        other_value: the other's.
    """

    asked: str
    gave: tuple[str, ...]
    other: tuple[str, ...]
    right: tuple[str, ...]
    value: float
    other_value: float


@dataclass(frozen=True, slots=True)
class Gallery:
    """The failures of one protocol on one split."""

    kind: str
    split: str
    measure: str
    subject: str
    other: str
    worse: int
    units: int
    failures: tuple[Failure, ...]


def per_unit(outcome: Outcome) -> NDArray[np.float64]:
    """Each unit's own measure, float64 [units]; 1 for a pair rightly called different."""
    top, bottom = (part.sum(axis=1) for part in outcome.columns())
    own: NDArray[np.float64] = np.ones_like(top, dtype=np.float64)
    np.divide(top, bottom, out=own, where=bottom > 0)
    return own


def subject_of(group: Sequence[Outcome]) -> Outcome | None:
    """Whose cases are shown of the systems measured on the same units."""
    by_system = {outcome.system: outcome for outcome in group}
    return next((by_system[name] for name in SUBJECTS if name in by_system), None)


def gallery(group: Sequence[Outcome]) -> Gallery | None:
    """The worst cases of a group of outcomes over the same units; None where there is no other.

    The other is the system with the highest figure among those that are not relatum's own and
    answered case by case.
    """
    subject = subject_of(group)
    if subject is None:
        return None
    others = [
        outcome
        for outcome in group
        if not is_own(outcome.system)
        and outcome.system != subject.system
        and outcome.evidence is not None
        and outcome.evidence.given is not None
        and outcome.units == subject.units
    ]
    evidence = subject.evidence
    if not others or evidence is None or evidence.cases is None or evidence.given is None:
        return None
    other = max(others, key=lambda outcome: outcome.value)
    gave = other.evidence.given if other.evidence is not None else None
    if gave is None:
        return None
    own, best = per_unit(subject), per_unit(other)
    loss = best - own
    worst = np.argsort(-loss, kind="stable")[:FAILURES]
    cases, failures = evidence.cases, []
    for i in worst[loss[worst] > 0].tolist():
        case = cases.by_unit[subject.units[i]]
        lists = (evidence.given.of_unit(i), gave.of_unit(i), case.right)
        given, others_given, right = (
            tuple(cases.shown(answer) for answer in one[:ANSWERS]) for one in lists
        )
        failures.append(
            Failure(case.asked, given, others_given, right, float(own[i]), float(best[i]))
        )
    return Gallery(
        cases.kind,
        subject.split,
        subject.measure,
        subject.system,
        other.system,
        int((loss > 0).sum()),
        len(loss),
        tuple(failures),
    )
