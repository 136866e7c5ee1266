"""Relations of pairs: macro-F1, and how far the probabilities can be believed."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.text import TextForm
from relatum_export.errors import InputError
from relatum_export.evaluation.classification import (
    ECE_BINS,
    brier_scores,
    macro_f1,
    negative_log_likelihoods,
    top_bins,
)
from relatum_export.evaluation.evidence import Case, Cases, Evidence, Given
from relatum_export.evaluation.product_facts import ProductFacts
from relatum_export.evaluation.protocols.base import Protocol, Task, choose_form
from relatum_export.evaluation.rows import ZERO_SHOT, Outcome, mean_outcome
from relatum_export.evaluation.systems import HEAD_SYSTEMS, EncoderSystem
from relatum_export.training.association_head.classes import CLASSES
from relatum_export.training.association_head.judging import Judged, relations
from relatum_export.training.association_head.labelled import LabelledPairs
from relatum_export.training.association_head.people import people_pairs

STRENGTHS = (0.01, 0.1, 1.0)  # inverse regularisation of the baseline, chosen on valid
MAX_ITERATIONS = 500


@dataclass(frozen=True, slots=True)
class _Split:
    """The pairs of one split whose relation was judged.

    Attributes:
        split: its name.
        pairs: rows of the catalogue, labels.
        units: one name a pair.
        cases: the pairs for people, without what is right.
    """

    split: str
    pairs: LabelledPairs
    units: tuple[str, ...]
    cases: Cases

    @classmethod
    def read(cls, task: Task, split: str) -> "_Split":
        ids = task.products().ids
        row_of = {item: row for row, item in enumerate(ids)}
        pairs = people_pairs(task.corpus, row_of, split, {}, soft_votes=False)
        uniform = np.full((len(pairs), len(CLASSES)), 1 / len(CLASSES))
        judged = relations(pairs, uniform)
        pairs = pairs.take(judged.rows if judged is not None else np.zeros(0, np.int64))
        units = tuple(
            f"{ids[a]} {ids[b]}" for a, b in zip(pairs.a.tolist(), pairs.b.tolist(), strict=True)
        )
        facts = ProductFacts.read(task.corpus)
        asked = {}
        for unit, a, b in zip(units, pairs.a.tolist(), pairs.b.tolist(), strict=True):
            both = (ids[a], ids[b])
            titles = " ↔ ".join(facts.titles.get(item, item) for item in both)
            asked[unit] = Case(titles, (), facts.slices(both))
        return cls(split, pairs, units, Cases(PAIRS.kind, asked))

    def vectors(
        self, task: Task, system: EncoderSystem, form: TextForm
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Of the first and of the second products, float32 [pairs, d] each."""
        texts = task.products().texts(form)
        rows, place = np.unique(np.concatenate([self.pairs.a, self.pairs.b]), return_inverse=True)
        vectors = system.encoder.encode([texts[row] for row in rows.tolist()], kind="document")
        both = vectors[place]
        return both[: len(self.pairs)], both[len(self.pairs) :]

    def outcomes(self, system: str, judged: Judged) -> list[Outcome]:
        """Macro-F1, and the measures that say how far the probabilities can be believed."""
        truth, said = judged.truth, judged.probabilities
        brier = brier_scores(said, truth).tolist()
        nll = negative_log_likelihoods(said, truth).tolist()
        units = list(self.units)
        return [
            self._macro_f1(system, judged),
            mean_outcome(self.split, system, "Brier", units, brier),
            mean_outcome(self.split, system, "NLL", units, nll),
            self._ece(system, judged),
        ]

    def _macro_f1(self, system: str, judged: Judged) -> Outcome:
        classes = np.arange(len(judged.names))
        top = judged.probabilities.argmax(axis=1)
        true = judged.truth[:, None] == classes
        said = top[:, None] == classes
        both = 2.0 * (true & said)
        wrong = both + (true ^ said)
        right = {
            unit: replace(self.cases.by_unit[unit], right=(judged.names[k],))
            for unit, k in zip(self.units, judged.truth.tolist(), strict=True)
        }
        given = Given(judged.names, top[:, None].astype(np.int64))
        return Outcome(
            self.split,
            system,
            "macro-F1",
            self.units,
            both,
            wrong,
            combine="mean of ratios",
            evidence=Evidence(replace(self.cases, by_unit=right), given),
        )

    def _ece(self, system: str, judged: Judged) -> Outcome:
        gap, place = top_bins(judged.probabilities, judged.truth)
        own = np.eye(ECE_BINS)[place]
        confidence = np.asarray(judged.probabilities.max(axis=1), np.float64)
        right = judged.probabilities.argmax(axis=1) == judged.truth
        return Outcome(
            self.split,
            system,
            "ECE",
            self.units,
            own * gap[:, None],
            own,
            combine="sum of distances",
            evidence=Evidence(confidence=confidence, right=right),
        )


def _baseline(task: Task, system: EncoderSystem, splits: dict[str, _Split]) -> list[Outcome]:
    """Logistic regression on the frozen vectors' [a, b, |a - b|, a * b], fitted on train."""
    train, valid = splits["train"], splits["valid"]
    if len(np.unique(train.pairs.labels)) < 2 or not len(valid.pairs):  # noqa: PLR2004
        task.notes.append(f"{system.name}: relations need judged pairs in train and valid to fit")
        return []
    fitted: dict[TextForm, tuple[float, LogisticRegression]] = {}

    def on_valid(form: TextForm) -> float | None:
        inputs = {s: _crossed(*splits[s].vectors(task, system, form)) for s in ("train", "valid")}
        best = -1.0
        for strength in STRENGTHS:
            model = LogisticRegression(
                C=strength, class_weight="balanced", max_iter=MAX_ITERATIONS
            ).fit(inputs["train"], train.pairs.labels)
            judged = _of_model(valid, model, inputs["valid"])
            score = macro_f1(judged.truth, judged.probabilities.argmax(axis=1), len(judged.names))
            if score > best:
                best = score
                fitted[form] = (score, model)
        return best

    form = choose_form(task, system, on_valid)
    if form not in fitted:
        on_valid(form)
    model = fitted[form][1]
    found = []
    for split in task.splits:
        if len(splits[split].pairs):
            inputs = _crossed(*splits[split].vectors(task, system, form))
            judged = _of_model(splits[split], model, inputs)
            found += splits[split].outcomes(system.name, judged)
    return found


def _of_model(split: _Split, model: LogisticRegression, inputs: NDArray[np.float32]) -> Judged:
    said = model.predict_proba(inputs)
    spread = np.zeros((len(inputs), len(CLASSES)))
    for column, label in enumerate(model.classes_.tolist()):
        first = label if label < len(CLASSES) else CLASSES.index("substitute")  # ALIKE
        spread[:, first] += said[:, column]
    judged = relations(split.pairs, spread)
    if judged is None:
        raise ValueError("a split without judged relations has nothing to predict")
    return judged


def _crossed(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.concatenate([a, b, np.abs(a - b), a * b], axis=1)


def _with_head(task: Task, system: EncoderSystem, splits: dict[str, _Split]) -> list[Outcome]:
    head = task.head
    if head is None:
        return []
    found: list[Outcome] = []
    for split in task.splits:
        part = splits[split]
        if not len(part.pairs):
            continue
        a, b = part.vectors(task, system, system.forms[0])
        features = head.features(task.corpus, task.products(), part.pairs.a, part.pairs.b)
        said = head.probabilities(a, b, features)
        judged = relations(part.pairs, said)
        before = relations(part.pairs, head.uncalibrated(said))
        if judged is not None and before is not None:
            found += part.outcomes(system.name, judged)
            found += part.outcomes(f"{system.name}-uncalibrated", before)
    return found


def _measure(task: Task) -> list[Outcome]:
    try:
        splits = {split: _Split.read(task, split) for split in {"train", "valid", *task.splits}}
    except InputError as error:  # a relation that is no class
        task.notes.append(f"relations: {error}")
        return []
    outcomes: list[Outcome] = []
    for system in task.text:
        if not isinstance(system, EncoderSystem):
            continue  # a score of words alone gives no probabilities
        if system.name in HEAD_SYSTEMS:
            outcomes += _with_head(task, system, splits)
        elif system.name == ZERO_SHOT:
            outcomes += _baseline(task, system, splits)
    return outcomes


def _applies(corpus: Corpus) -> bool:
    if not (corpus.has("pairs") and corpus.has("items")):
        return False
    pairs = corpus.table("pairs")
    return "relation" in pairs.column_names and pairs["relation"].null_count < len(pairs)


PAIRS = Protocol("relations", ("pairs",), True, _applies, _measure)
