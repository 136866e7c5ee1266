"""Next item: one target after the history given, ranked against the whole catalogue."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.text import TextForm
from relatum_export.evaluation.evidence import Case as ShownCase
from relatum_export.evaluation.evidence import Evidence, Given
from relatum_export.evaluation.metrics import dcg, reciprocal_rank, top_k
from relatum_export.evaluation.product_facts import ProductFacts
from relatum_export.evaluation.protocols.base import Protocol, Task, choose_form
from relatum_export.evaluation.protocols.events import (
    has_baskets,
    product_ids,
    shopper_purchases,
)
from relatum_export.evaluation.protocols.shopper_cases import described, shopper_case
from relatum_export.evaluation.rows import Outcome, mean_outcome
from relatum_export.evaluation.systems import HEAD_SYSTEMS, EncoderSystem
from relatum_export.evaluation.transitions import SETTINGS, Transitions, recency_profile

DEPTH = 10
HISTORY_STEP = 0.7  # weight of each step back in the profile of vectors
BATCH = 512
# Some of their published targets are repeats, and their published figures remove nothing.
REPEATED_TARGETS = frozenset({"amazon_office"})
EARLIER = {"valid": ("train",), "test": ("train", "valid")}

Scores = Callable[[Sequence[Sequence[int]]], NDArray[np.floating]]


@dataclass(frozen=True, slots=True)
class Case:
    """One shopper's history (oldest first) and what came next, as positions in the catalogue."""

    unit: str
    history: tuple[int, ...]
    target: int


@dataclass(frozen=True, slots=True)
class NextItem:
    """The cases of a set.

    Attributes:
        items: ids, sorted: ties are broken by position.
        cases: by split.
        histories: what systems are fitted on, by the last split that enters.
        remove_seen: whether the history's items are taken out of the ranking.
    """

    items: tuple[str, ...]
    cases: dict[str, list[Case]]
    histories: dict[str, list[list[int]]]
    remove_seen: bool

    @classmethod
    def read(cls, corpus: Corpus) -> "NextItem":
        """From `cases` where the source publishes them, else from the events' splits."""
        items = product_ids(corpus)
        place = {item: i for i, item in enumerate(items)}
        lines = shopper_purchases(corpus, items)
        histories = {
            "train": _histories(lines[lines["split"] == "train"]),
            "valid": _histories(lines[lines["split"] != "test"]),
        }
        if corpus.has("cases"):
            cases = _published(corpus, place)
        else:
            cases = {split: _first_of_split(lines, split) for split in EARLIER}
        return cls(tuple(items), cases, histories, corpus.name not in REPEATED_TARGETS)

    def outcomes(self, split: str, system: str, scores: Scores) -> list[Outcome]:
        """NDCG@10, HR@10 and MRR of one system."""
        cases = self.cases[split]
        ndcg, hit, reciprocal, lists = [], [], [], []
        for batch in _batches(cases):
            for case, row in zip(batch, scores([c.history for c in batch]), strict=True):
                if self.remove_seen:
                    row[list(case.history)] = -np.inf
                top = top_k(row, DEPTH)
                hits = top == case.target
                lists.append(top)
                ndcg.append(dcg(hits))
                hit.append(float(hits.any()))
                reciprocal.append(reciprocal_rank(hits))
        units = [case.unit for case in cases]
        figures = {"NDCG@10": ndcg, "HR@10": hit, "MRR": reciprocal}
        found = [mean_outcome(split, system, name, units, v) for name, v in figures.items()]
        found[0] = replace(found[0], evidence=Evidence(given=Given.of((), lists)))
        return found


def _batches(cases: list[Case]) -> Iterator[list[Case]]:
    for start in range(0, len(cases), BATCH):
        yield cases[start : start + BATCH]


def _histories(lines: pd.DataFrame) -> list[list[int]]:
    return [group.tolist() for _, group in lines.groupby("user_id", sort=True)["place"]]


def _published(corpus: Corpus, place: dict[str, int]) -> dict[str, list[Case]]:
    cases: dict[str, list[Case]] = {split: [] for split in EARLIER}
    for i, row in enumerate(corpus.table("cases").to_pylist()):
        if row["split"] in cases and row["target"] in place:
            history = tuple(place[item] for item in row["items"] if item in place)
            cases[row["split"]].append(Case(f"{row['user_id']} {i}", history, place[row["target"]]))
    return cases


def _first_of_split(lines: pd.DataFrame, split: str) -> list[Case]:
    """Shoppers with an event of an earlier split; the target is their first of this one."""
    before = lines[lines["split"].isin(EARLIER[split])]
    history = {user: tuple(group) for user, group in before.groupby("user_id")["place"]}
    target = lines[lines["split"] == split].groupby("user_id", sort=True)["place"].first()
    return [Case(str(u), history[u], int(t)) for u, t in target.items() if u in history]


def _popularity(histories: list[list[int]], items: int) -> Scores:
    events = np.fromiter((i for h in histories for i in h), np.int64)
    counts = np.bincount(events, minlength=items).astype(np.float64)
    return lambda asked: np.tile(counts, (len(asked), 1))


def _vectors(vectors: NDArray[np.float32], absent: NDArray[np.bool_]) -> Scores:
    """Inner product with the mean of the history, each step back weighing .7 of the next."""

    def scores(asked: Sequence[Sequence[int]]) -> NDArray[np.floating]:
        profile: sparse.csr_matrix = recency_profile(asked, len(vectors), HISTORY_STEP)
        found: NDArray[np.floating] = (profile @ vectors) @ vectors.T
        found[:, absent] = -np.inf
        return found

    return scores


def _measure(task: Task) -> list[Outcome]:
    data = NextItem.read(task.corpus)
    count = len(data.items)
    fits = {"": "train", "+valid": "valid"}
    outcomes = []

    def fitted(name: str, make: Callable[[list[list[int]]], Scores]) -> None:
        """Fitted on train; for test also with the same settings on train and valid."""
        for suffix, last in fits.items():
            scores = make(data.histories[last])
            for split in task.splits:
                if data.cases[split] and (split == "test" or not suffix):
                    outcomes.extend(data.outcomes(split, name + suffix, scores))

    fitted("popularity", lambda histories: _popularity(histories, count))
    chosen = max(
        SETTINGS,
        key=lambda s: _figure(data, Transitions.fit(data.histories["train"], count, s).scores),
    )
    why = "chosen on valid" if data.cases["valid"] else "valid has no case to choose by"
    task.notes.append(f"transitions: pairs up to {chosen.window} apart, {why}")
    fitted("transitions", lambda histories: Transitions.fit(histories, count, chosen).scores)
    outcomes += _spaces(task, data)
    if task.recommender is not None:
        outcomes += task.recommender.outcomes(task, "next item")
    if task.baselines is not None:
        outcomes += task.baselines(task.corpus, task.splits)
    facts = ProductFacts.read(task.corpus)
    cases = {split: _described(data, split, facts) for split in task.splits}
    return described(outcomes, NEXT_ITEM.kind, data.items, cases, facts)


def _described(data: NextItem, split: str, facts: ProductFacts) -> dict[str, ShownCase]:
    return {
        case.unit: shopper_case(
            facts,
            [data.items[i] for i in case.history],
            len(case.history),
            (data.items[case.target],),
        )
        for case in data.cases[split]
    }


def _figure(data: NextItem, scores: Scores) -> float:
    return data.outcomes("valid", "", scores)[0].value if data.cases["valid"] else 0.0


def _spaces(task: Task, data: NextItem) -> list[Outcome]:
    """The text spaces and the artifact's behaviour space, asked with the history's mean."""
    outcomes = []
    splits = [split for split in task.splits if data.cases[split]]
    for system in task.text:
        if not isinstance(system, EncoderSystem):
            continue  # a history is a mean of vectors; words have none
        if task.recommender is not None and system.name in HEAD_SYSTEMS:
            continue  # the artifact answers by its ranker, of which its text is one source

        def scores_of(form: TextForm, system: EncoderSystem = system) -> Scores:
            catalogue = task.products()
            text = dict(zip(catalogue.ids, catalogue.texts(form), strict=True))
            texts = [text.get(item, "") for item in data.items]
            vectors = system.encoder.encode(texts, kind="document")
            return _vectors(vectors, np.asarray(~vectors.any(axis=1)))

        def on_valid(
            form: TextForm, scores_of: Callable[[TextForm], Scores] = scores_of
        ) -> float | None:
            return _figure(data, scores_of(form)) if data.cases["valid"] else None

        form = choose_form(task, system, on_valid)
        for split in splits:
            outcomes += data.outcomes(split, system.name, scores_of(form))
    if task.behaviour is not None:
        row_of = {item: i for i, item in enumerate(task.behaviour.item_ids)}
        rows = np.array([row_of.get(item, -1) for item in data.items])
        vectors = task.behaviour.vectors[rows] * (rows >= 0)[:, None]
        for split in splits:
            outcomes += data.outcomes(split, "behaviour", _vectors(vectors, rows < 0))
    return outcomes


def _applies(corpus: Corpus) -> bool:
    if not (corpus.has("events") and corpus.has("items")):
        return False
    return corpus.has("cases") or not (has_baskets(corpus) or corpus.has("bundles"))


NEXT_ITEM = Protocol("next item", ("cases", "events"), True, _applies, _measure)
