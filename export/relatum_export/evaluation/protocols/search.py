"""Search: the judged products of a query re-ranked, and the whole corpus beside it.

The artifact is asked as the server asks it: the query with its spelling corrected, by vectors and,
where the artifact weighs them, by words.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from relatum_export.artifact.words import Use
from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.text import TextForm
from relatum_export.evaluation.evidence import Case, Cases, Evidence, Given
from relatum_export.evaluation.lexical_leg import LexicalLeg, over_best
from relatum_export.evaluation.metrics import ndcg, ndcg_of_scores, recall, top_k
from relatum_export.evaluation.product_facts import ProductFacts
from relatum_export.evaluation.protocols.base import Protocol, Task, choose_form
from relatum_export.evaluation.rows import Outcome, mean_outcome
from relatum_export.evaluation.slices import language_label, length_label
from relatum_export.evaluation.spelling import SpellingCorrector
from relatum_export.evaluation.systems import HEAD_SYSTEMS, TextSystem
from relatum_export.evaluation.words import ablated, read_together, weight_of
from relatum_export.training.judged import JudgedQuery, JudgedSplit
from relatum_export.training.products import Catalogue

SEARCHES: tuple[Use, ...] = ("search", "rerank")
RELEVANT_LABEL = 2  # counts as found for recall
DEPTH, RECALL_DEPTH = 10, 50
SPELLING_NOTE = (
    "search: relatum, as exported and in PyTorch, is asked each query with its spelling corrected "
    "by the catalogue's words, as the server does; zero-shot and bm25 are asked what was typed"
)


@dataclass(frozen=True, slots=True)
class Served:
    """What the server does with a query beside encoding it.

    Attributes:
        spelling: corrects it.
        leg: ranks by words; None where no system weighs them.
    """

    spelling: SpellingCorrector
    leg: LexicalLeg | None

    @classmethod
    def of(cls, catalogue: Catalogue, systems: Sequence[TextSystem]) -> Self:
        """For these products and the weights that these systems have."""
        products = catalogue.products
        weighed = any(weight_of(system, use) for system in systems for use in SEARCHES)
        return cls(SpellingCorrector(products), LexicalLeg(products) if weighed else None)


def _measure(task: Task) -> list[Outcome]:
    splits = {
        split: JudgedSplit.read(task.corpus, task.products(), split)
        for split in {*task.splits, "valid"}
    }
    outcomes = []
    cases = {split: _cases(task, splits[split]) for split in task.splits}
    served = Served.of(task.products(), task.text)
    for system in ablated(task.text, *SEARCHES):
        as_served = served if system.name in HEAD_SYSTEMS else None

        def on_valid(
            form: TextForm,
            system: TextSystem = system,
            as_served: Served | None = as_served,
        ) -> float | None:
            if not splits["valid"].queries:
                return None
            return reranked(task, system, form, splits["valid"], served=as_served).value

        form = choose_form(task, system, on_valid)
        for split in task.splits:
            if splits[split].queries:
                own = reranked(task, system, form, splits[split], cases[split], served=as_served)
                outcomes.append(own)
            if system.whole_corpus and (splits[split].queries or splits[split].single):
                outcomes += _whole_corpus(
                    task, system, form, splits[split], cases[split], served=as_served
                )
    if any(system.name in HEAD_SYSTEMS for system in task.text):
        task.notes.append(SPELLING_NOTE)
    for split in task.splits:
        judged = splits[split]
        if judged.unlabelled:
            left_out = f"{judged.unlabelled} queries left out, no label above 0"
            task.notes.append(f"search, {split}: {left_out}")
        if judged.single:
            alone = f"{len(judged.single)} queries with a single judged product"
            task.notes.append(f"search, {split}: {alone}, for the whole corpus alone")
    return outcomes


def _cases(task: Task, judged: JudgedSplit) -> Cases:
    """Each query with its best judged products."""
    facts, ids = ProductFacts.read(task.corpus), task.products().ids
    table = task.corpus.table("queries")
    given = table["lang"].to_pylist() if "lang" in table.column_names else [""] * len(table)
    language = dict(zip(table["query_id"].to_pylist(), given, strict=True))
    found = {}
    for query in (*judged.queries, *judged.single):
        right = tuple(ids[row] for row in query.rows[query.labels == query.labels.max()])
        own = facts.slices(right)
        own["words"] = length_label("words", len(query.text.split()))
        if language[query.query_id]:
            own["lang"] = language_label(language[query.query_id])
        found[query.query_id] = Case(query.text, right, own)
    return Cases("search", found, facts.titles)


def reranked(
    task: Task,
    system: TextSystem,
    form: TextForm,
    judged: JudgedSplit,
    cases: Cases | None = None,
    *,
    served: Served | None = None,
) -> Outcome:
    """NDCG@10 of the judged products of each query that has two, as a system orders them."""
    texts, ids = task.products().texts(form), task.products().ids
    rows = np.unique(np.concatenate([query.rows for query in judged.queries]))
    typed = asked(judged.queries, served)
    scores = system.scores(typed, [texts[row] for row in rows], products=False)
    weight = weight_of(system, "rerank")
    values, lists = [], []
    for i, query in enumerate(judged.queries):
        own = scores[i, np.searchsorted(rows, query.rows)]
        own = own + by_words(served, weight, typed[i], query.rows)
        shown = [texts[row] for row in query.rows]
        own = read_together(system, "rerank", typed[i], shown, own)
        values.append(ndcg_of_scores(own, query.labels))
        lists.append(query.rows[top_k(own, DEPTH)])
    units = [query.query_id for query in judged.queries]
    evidence = Evidence(cases, Given.of(ids, lists))
    return mean_outcome(judged.split, system.name, "NDCG@10", units, values, evidence=evidence)


def asked(queries: Iterable[JudgedQuery], served: Served | None) -> list[str]:
    """The texts of queries, as the server corrects them, or as they were typed."""
    return [served.spelling.correct(q.text) if served else q.text for q in queries]


def by_words(
    served: Served | None, weight: float, query: str, rows: NDArray[np.int64]
) -> NDArray[np.float32]:
    """What words add to the cosines of these products, float32 [rows]; their best sets the scale.

    Args:
        served: how the server asks; None for a system that it does not serve.
        weight: of the words, beside the cosine.
        query: as asked.
        rows: positions in the catalogue.
    """
    if served is None or served.leg is None or weight == 0:
        return np.zeros(len(rows), np.float32)
    return np.float32(weight) * over_best(served.leg.scores(query)[rows])


def _whole_corpus(
    task: Task,
    system: TextSystem,
    form: TextForm,
    judged: JudgedSplit,
    cases: Cases,
    *,
    served: Served | None,
) -> list[Outcome]:
    """Unjudged products count 0; ties by id, so the columns are laid out by id."""
    catalogue = task.products()
    by_id = np.argsort(np.array(catalogue.ids))
    place = np.empty(len(by_id), np.int64)
    place[by_id] = np.arange(len(by_id))
    texts = catalogue.texts(form)
    queries = sorted((*judged.queries, *judged.single), key=lambda query: query.query_id)
    typed = asked(queries, served)
    scores = system.scores(typed, [texts[row] for row in by_id], products=False)
    weight = weight_of(system, "search")
    gains, found, units, found_units, lists = [], [], [], [], []
    for query, text, row in zip(queries, typed, scores, strict=True):
        ranked = top_k(row + by_words(served, weight, text, by_id), RECALL_DEPTH)
        gains.append(_ndcg_of(query, place, ranked[:DEPTH]))
        units.append(query.query_id)
        lists.append(by_id[ranked[:DEPTH]])
        relevant = place[query.rows[query.labels >= RELEVANT_LABEL]]
        if len(relevant):
            found.append(recall(np.isin(ranked, relevant), len(relevant)))
            found_units.append(query.query_id)
    evidence = Evidence(cases, Given.of(catalogue.ids, lists))
    return [
        mean_outcome(judged.split, system.name, "NDCG@10/corpus", units, gains, evidence=evidence),
        mean_outcome(judged.split, system.name, "R@50/corpus", found_units, found),
    ]


def _ndcg_of(query: JudgedQuery, place: NDArray[np.int64], ranked: NDArray[np.intp]) -> float:
    label = dict(zip(place[query.rows].tolist(), query.labels.tolist(), strict=True))
    return ndcg([label.get(int(item), 0) for item in ranked], list(label.values()), DEPTH)


def _applies(corpus: Corpus) -> bool:
    return corpus.has("queries") and corpus.has("judgments") and corpus.has("items")


SEARCH = Protocol("search", ("queries", "judgments"), True, _applies, _measure)
