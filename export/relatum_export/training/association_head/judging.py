"""What the head is worth on judged pairs: relations, and same product or not."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relatum_export.evaluation.classification import (
    brier_scores,
    expected_calibration_error,
    macro_f1,
    negative_log_likelihoods,
)
from relatum_export.evaluation.metrics import steady_f1_threshold
from relatum_export.training.association_head.classes import CLASSES, Label, allowed_classes
from relatum_export.training.association_head.labelled import LabelledPairs

SAME_LABELS = (Label.NOT_SAME, Label.SAME)
RELATION_LABELS = (Label.UNRELATED, Label.SAME, Label.SUBSTITUTE, Label.COMPLEMENT, Label.ALIKE)
NAMES: Mapping[Label, str] = {
    **{Label(i): name for i, name in enumerate(CLASSES)},
    Label.NOT_SAME: "not same",
    Label.ALIKE: "substitute",
}


@dataclass(frozen=True, slots=True)
class Judged:
    """The pairs of one question, and how likely the head finds each answer.

    Attributes:
        names: of the answers.
        truth: the right answer's number, int64 [pairs].
        probabilities: of each answer, float64 [pairs, answers].
        rows: the pairs' positions among those given, int64 [pairs].
    """

    names: tuple[str, ...]
    truth: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    rows: NDArray[np.int64]

    def measures(self) -> dict[str, float]:
        """macro-F1, ECE, Brier and NLL."""
        answer = self.probabilities.argmax(axis=1)
        return {
            "macro-F1": macro_f1(self.truth, answer, len(self.names)),
            "ECE": expected_calibration_error(self.probabilities, self.truth),
            "Brier": float(brier_scores(self.probabilities, self.truth).mean()),
            "NLL": float(negative_log_likelihoods(self.probabilities, self.truth).mean()),
        }


def relations(pairs: LabelledPairs, probabilities: NDArray[np.floating]) -> Judged | None:
    """The pairs whose relation was judged; None where fewer than two relations occur.

    A set that does not tell the same product from a substitute folds `same` into `substitute`.

    Args:
        pairs: of one corpus.
        probabilities: of the classes, [pairs, classes].
    """
    named = set(pairs.labels.tolist()) - {int(Label.NOT_SAME), -1}
    if named <= {int(Label.SAME)}:
        return None
    return _judged(pairs, probabilities, [label for label in RELATION_LABELS if label in named])


def same_product(pairs: LabelledPairs, probabilities: NDArray[np.floating]) -> Judged | None:
    """The pairs judged to be one product or not; None where either answer is absent."""
    if not set(SAME_LABELS) <= set(pairs.labels.tolist()):
        return None
    return _judged(pairs, probabilities, SAME_LABELS)


def _judged(
    pairs: LabelledPairs,
    probabilities: NDArray[np.floating],
    labels: tuple[Label, ...] | list[Label],
) -> Judged | None:
    rows = np.flatnonzero(np.isin(pairs.labels, labels))
    if len(labels) < 2 or not len(rows):  # noqa: PLR2004 - nothing to tell apart
        return None
    number = {int(label): i for i, label in enumerate(labels)}
    truth = np.array([number[label] for label in pairs.labels[rows].tolist()], np.int64)
    answers = probabilities[rows].astype(np.float64) @ allowed_classes()[list(labels)].T
    answers /= np.maximum(answers.sum(axis=1, keepdims=True), 1e-12)
    return Judged(tuple(NAMES[label] for label in labels), truth, answers, rows)


def f1_at(scores: NDArray[np.floating], same: NDArray[np.bool_], threshold: float) -> float:
    """F1 of calling a pair the same product from ``threshold`` on."""
    said = scores >= threshold
    return float(2 * (said & same).sum() / max(1, said.sum() + same.sum()))


def measured(
    pairs: LabelledPairs, before: NDArray[np.floating], after: NDArray[np.floating]
) -> dict[str, Any]:
    """All measures of one corpus's valid pairs, before and after calibration, with thresholds.

    Args:
        pairs: of one corpus.
        before: probabilities at temperature 1, [pairs, classes].
        after: probabilities at the fitted temperature, [pairs, classes].
    """
    found: dict[str, Any] = {}
    related, related_before = relations(pairs, after), relations(pairs, before)
    if related is not None and related_before is not None:
        found["relations"] = {
            "classes": list(related.names),
            "pairs": len(related.truth),
            **related.measures(),
            "before_calibration": related_before.measures(),
        }
    same, same_before = same_product(pairs, after), same_product(pairs, before)
    if same is not None and same_before is not None:
        scores, truth = same.probabilities[:, 1], same.truth == 1
        benchmark = pairs.benchmarks[same.rows].astype(str)
        thresholds = {"": steady_f1_threshold(scores, truth)}
        for name in sorted(set(benchmark.tolist()) - {""}):
            part = benchmark == name
            if truth[part].any():
                thresholds[name] = steady_f1_threshold(scores[part], truth[part])
        found["same_product"] = {
            "pairs": len(truth),
            "F1": f1_at(scores, truth, thresholds[""]),
            **{
                f"F1/{name}": f1_at(
                    scores[benchmark == name], truth[benchmark == name], thresholds[name]
                )
                for name in thresholds
                if name
            },
            **{k: v for k, v in same.measures().items() if k != "macro-F1"},
            "before_calibration": {
                k: v for k, v in same_before.measures().items() if k != "macro-F1"
            },
            "thresholds": thresholds,
        }
    return found
