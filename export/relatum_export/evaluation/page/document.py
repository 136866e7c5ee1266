"""The page of one set: one HTML file that needs neither script nor another address.

The template engine escapes what it is given; the plots are a few lines of SVG that it draws from
coordinates, so that no plotting library with its fonts and its start of seconds is asked for.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from relatum_export.evaluation.agreement import AgreementResult
from relatum_export.evaluation.evaluate import NotJudged
from relatum_export.evaluation.judgement import Judgement
from relatum_export.evaluation.page.environment import environment
from relatum_export.evaluation.page.gallery import Gallery, gallery, per_unit, subject_of
from relatum_export.evaluation.page.plots import (
    BeforeAfter,
    Bin,
    Span,
    before_after,
    calibration,
    spans,
)
from relatum_export.evaluation.rows import VERSUS, ZERO_SHOT, Outcome, Row, own_better


@dataclass(frozen=True, slots=True)
class Section:
    """One measure on one split: figures, then differences.

    Attributes:
        split: valid or test.
        measure: as in the rows.
        figures: a row a system, with its bar.
        differences: a row a pair of systems, with its interval and what that says.
    """

    split: str
    measure: str
    figures: tuple[tuple[Row, Span], ...]
    differences: tuple[tuple[Row, str, Span, bool | None], ...]


@dataclass(frozen=True, slots=True)
class Change:
    """Before and after training, query by query."""

    split: str
    measure: str
    after: str
    plot: BeforeAfter


@dataclass(frozen=True, slots=True)
class Curve:
    """How far a head's probabilities can be believed."""

    split: str
    system: str
    bins: tuple[Bin, ...]


def page(
    judgement: Judgement,
    agreements: Sequence[AgreementResult],
    unjudged: Sequence[NotJudged],
    notes: Sequence[str],
) -> str:
    """Every figure, plot and failure of one set."""
    groups = main_groups(judgement.outcomes)
    return (
        environment()
        .get_template("set.html.j2")
        .render(
            name=judgement.set_name,
            figures=sections(judgement.figures),
            slices=sections(judgement.slices),
            width=sections(judgement.width),
            changes=changes(groups),
            curves=curves(judgement.outcomes),
            galleries=galleries(groups),
            agreements=agreements,
            unjudged=unjudged,
            notes=list(dict.fromkeys(notes)),
        )
    )


def sections(rows: Iterable[Row]) -> list[Section]:
    """Rows by split and measure, in the order met; differences beside what they are of."""
    figures: dict[tuple[str, str], list[Row]] = {}
    differences: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        measure, versus, _ = row.measure.partition(VERSUS)
        (differences if versus else figures).setdefault((row.split or "", measure), []).append(row)
    found = []
    for key, group in figures.items():
        others = differences.get(key, [])
        beside = (row.measure.partition(VERSUS)[2] for row in others)
        marks = (own_better(row) for row in others)
        found.append(
            Section(
                *key,
                tuple(zip(group, spans(group), strict=True)),
                tuple(zip(others, beside, spans(others), marks, strict=True)),
            )
        )
    return found


def main_groups(outcomes: Iterable[Outcome]) -> list[list[Outcome]]:
    """The outcomes with cases, by split, measure and units: the protocols' main figures."""
    found: dict[tuple[str, str, tuple[str, ...]], list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.evidence is not None and outcome.evidence.cases is not None:
            found.setdefault((outcome.split, outcome.measure, outcome.units), []).append(outcome)
    return list(found.values())


def changes(groups: Iterable[Sequence[Outcome]]) -> list[Change]:
    """Zero-shot against relatum, wherever both were measured."""
    found = []
    for group in groups:
        before = next((outcome for outcome in group if outcome.system == ZERO_SHOT), None)
        after = subject_of(group)
        if before is not None and after is not None and after is not before:
            plot = before_after(per_unit(before), per_unit(after))
            found.append(Change(after.split, after.measure, after.system, plot))
    return found


def curves(outcomes: Iterable[Outcome]) -> list[Curve]:
    """A calibration curve a classifier."""
    found = []
    for outcome in outcomes:
        evidence = outcome.evidence
        if evidence is None or evidence.confidence is None or evidence.right is None:
            continue
        bins = tuple(calibration(evidence.confidence, evidence.right))
        found.append(Curve(outcome.split, outcome.system, bins))
    return found


def galleries(groups: Iterable[Sequence[Outcome]]) -> list[Gallery]:
    """The failures of each protocol and split."""
    found = (gallery(group) for group in groups)
    return [one for one in found if one is not None]
