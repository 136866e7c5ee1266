"""Same product: is a pair of offers one product? By a threshold chosen on valid.

A system with an association head that has learned `same` is judged by that probability, any other
by cosine.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.text import TextForm
from relatum_export.evaluation.evidence import Case, Cases, Evidence, Given
from relatum_export.evaluation.metrics import steady_f1_threshold
from relatum_export.evaluation.product_facts import ProductFacts
from relatum_export.evaluation.protocols.base import Protocol, Task, choose_form
from relatum_export.evaluation.rows import Outcome
from relatum_export.evaluation.systems import HEAD_SYSTEMS, EncoderSystem
from relatum_export.training.association_head.classes import CLASSES

SAME = "same"
ANSWERS = ("two products", "one product")


class _Pairs:
    """Pairs of one split: positions in the catalogue, truth and source.

    Args:
        task: the corpus.
        split: whose pairs.
        known_sources: sources left out where they are not among these; None keeps all.
    """

    def __init__(self, task: Task, split: str, known_sources: frozenset[str] | None = None) -> None:
        row_of = {item: row for row, item in enumerate(task.products().ids)}
        frame = task.corpus.table("pairs").to_pandas()
        known = frame["item_id_a"].isin(row_of) & frame["item_id_b"].isin(row_of)
        frame = frame[(frame["split"] == split) & known & frame["same_product"].notna()]
        if "source" not in frame:
            frame = frame.assign(source="")
        frame = frame.assign(source=frame["source"].fillna("").astype(str))
        if known_sources is not None:
            frame = frame[frame["source"].isin(known_sources)]
        self.split = split
        self.a = frame["item_id_a"].map(row_of).to_numpy(np.int64)
        self.b = frame["item_id_b"].map(row_of).to_numpy(np.int64)
        self.same = frame["same_product"].to_numpy(np.int64) > 0
        self.units = [
            f"{a} {b}" for a, b in zip(frame["item_id_a"], frame["item_id_b"], strict=True)
        ]
        self.source = frame["source"].to_numpy(object)
        ids = task.products().ids
        both = [(ids[a], ids[b]) for a, b in zip(self.a.tolist(), self.b.tolist(), strict=True)]
        self.cases = self._cases(ProductFacts.read(task.corpus), both)

    def _cases(self, facts: ProductFacts, offers: Sequence[tuple[str, str]]) -> Cases:
        found = {}
        for unit, both, same in zip(self.units, offers, self.same.tolist(), strict=True):
            titles = " ↔ ".join(facts.titles.get(item, item) for item in both)
            found[unit] = Case(titles, (ANSWERS[same],), facts.slices(both))
        return Cases("same product", found)

    def vectors(
        self, task: Task, system: EncoderSystem, form: TextForm
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Of the first and of the second products, float32 [pairs, d] each."""
        texts = task.products().texts(form)
        rows = np.unique(np.concatenate([self.a, self.b]))
        vectors = system.encoder.encode([texts[row] for row in rows], kind="document")
        left = vectors[np.searchsorted(rows, self.a)]
        return left, vectors[np.searchsorted(rows, self.b)]

    def scores(self, task: Task, system: EncoderSystem, form: TextForm) -> NDArray[np.float32]:
        """p(same) of the head where the system has one, else cosines, float32 [pairs]."""
        vectors = self.vectors(task, system, form)
        head = task.head
        if head is None or system.name not in HEAD_SYSTEMS or SAME not in head.learned:
            return np.asarray((vectors[0] * vectors[1]).sum(axis=1), np.float32)
        features = head.features(task.corpus, task.products(), self.a, self.b)
        said = head.probabilities(*vectors, features)
        return np.asarray(said[:, CLASSES.index(SAME)], np.float32)

    def f1(self, system: str, predicted: NDArray[np.bool_], source: str | None) -> Outcome:
        """F1 as 2 TP / (2 TP + FP + FN), pair by pair."""
        keep = np.ones(len(self.same), bool) if source is None else self.source == source
        true = self.same[keep] & predicted[keep]
        wrong = self.same[keep] ^ predicted[keep]
        units = tuple(unit for unit, k in zip(self.units, keep, strict=True) if k)
        measure = "F1" if source is None else f"F1/{source}"
        evidence = None
        if source is None:
            evidence = Evidence(self.cases, Given(ANSWERS, predicted[:, None].astype(np.int64)))
        return Outcome(
            self.split,
            system,
            measure,
            units,
            2.0 * true,
            2.0 * true + wrong,
            evidence=evidence,
        )


def _thresholds(scores: NDArray[np.float32], pairs: _Pairs) -> dict[str, float]:
    """One threshold a source: each is a benchmark of its own."""
    return {
        str(source): steady_f1_threshold(
            scores[pairs.source == source], pairs.same[pairs.source == source]
        )
        for source in np.unique(pairs.source)
    }


def _predict(
    scores: NDArray[np.float32], pairs: _Pairs, thresholds: dict[str, float]
) -> NDArray[np.bool_]:
    least = np.array([thresholds[str(source)] for source in pairs.source])
    return scores >= least.astype(np.float32)


def _measure(task: Task) -> list[Outcome]:
    valid = _Pairs(task, "valid")
    with_threshold = frozenset(map(str, valid.source))
    splits = {split: _Pairs(task, split, with_threshold) for split in task.splits}
    outcomes: list[Outcome] = []
    if not with_threshold:
        task.notes.append("same product: no pair in valid to choose a threshold on")
        return outcomes
    for system in task.text:
        if not isinstance(system, EncoderSystem):
            continue  # a BM25 score is not symmetric and has no common scale for a threshold

        def on_valid(form: TextForm, system: EncoderSystem = system) -> float | None:
            scores = valid.scores(task, system, form)
            predicted = _predict(scores, valid, _thresholds(scores, valid))
            return valid.f1(system.name, predicted, None).value

        form = choose_form(task, system, on_valid)
        thresholds = _thresholds(valid.scores(task, system, form), valid)
        for split in task.splits:
            pairs = splits[split]
            predicted = _predict(pairs.scores(task, system, form), pairs, thresholds)
            outcomes.append(pairs.f1(system.name, predicted, None))
            sources = [str(source) for source in np.unique(pairs.source) if source]
            if len(sources) > 1:
                outcomes += [pairs.f1(system.name, predicted, source) for source in sources]
    return outcomes


def _applies(corpus: Corpus) -> bool:
    if not (corpus.has("pairs") and corpus.has("items")):
        return False
    pairs = corpus.table("pairs")
    return "same_product" in pairs.column_names and bool(pc.count(pairs["same_product"]).as_py())


SAME_PRODUCT = Protocol("same product", ("pairs",), True, _applies, _measure)
