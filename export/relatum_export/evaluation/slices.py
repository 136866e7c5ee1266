"""The same figure over parts of the units: new products, long histories, categories, languages."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from relatum_export.evaluation.evidence import Cases
from relatum_export.evaluation.rows import Outcome

MIN_UNITS = 10  # below that an interval says nothing
MAX_LABELS = 8  # of a dimension, the largest first
PREFIXES = ("history", "words", "answers", "size", "category", "lang")
POPULARITY = ("head", "tail", "cold")
LENGTHS = ((1, 1), (2, 3), (4, 7), (8, 15), (16, 31))


def sliced(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """One outcome for each slice of each outcome that has cases, as ``NDCG@10/history-2-3``.

    A slice of fewer than ten units is left out, and so is one that holds every unit.
    """
    return [part for outcome in outcomes for part in _of(outcome)]


def _of(outcome: Outcome) -> list[Outcome]:
    cases = outcome.evidence.cases if outcome.evidence is not None else None
    if cases is None:
        return []
    found = []
    for dimension in dimensions(cases):
        own = [cases.by_unit[unit].slices.get(dimension, "") for unit in outcome.units]
        counts = Counter(label for label in own if label)
        for label in sorted(label for label, _ in counts.most_common(MAX_LABELS)):
            if not MIN_UNITS <= counts[label] < len(own):
                continue
            keep = np.array([one == label for one in own])
            units = tuple(unit for unit, k in zip(outcome.units, keep, strict=True) if k)
            found.append(
                replace(
                    outcome,
                    measure=f"{outcome.measure}/{label}",
                    units=units,
                    numerator=outcome.numerator[keep],
                    denominator=outcome.denominator[keep],
                    evidence=None,
                )
            )
    return found


def is_slice(measure: str) -> bool:
    """Whether a measure is that of a part of the units, by the last label of its name."""
    label = measure.rpartition("/")[2]
    # R@50/cold is the figure of cold products itself.
    return label.split("-")[0] in PREFIXES or (label in POPULARITY and measure != "R@50/cold")


def dimensions(cases: Cases) -> list[str]:
    """All dimensions of a protocol's cases, in the order met."""
    return list(dict.fromkeys(name for case in cases.by_unit.values() for name in case.slices))


def length_label(name: str, length: int) -> str:
    """Which class of lengths a history or query falls in, such as ``history-4-7``."""
    for low, high in LENGTHS:
        if low <= length <= high:
            return f"{name}-{low}" if low == high else f"{name}-{low}-{high}"
    return f"{name}-0" if length < 1 else f"{name}-{LENGTHS[-1][1] + 1}+"


def category_label(category: str) -> str:
    """A category as a slice: a slash would start another."""
    return f"category-{' '.join(category.replace('/', ' ').split())[:40]}" if category else ""


def language_label(code: str) -> str:
    """A language as a slice."""
    return f"lang-{code}" if code else ""
