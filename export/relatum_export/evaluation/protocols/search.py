"""Search: the judged products of a query re-ranked, and the whole corpus beside it."""

import numpy as np
from numpy.typing import NDArray

from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.text import TextForm
from relatum_export.evaluation.metrics import ndcg, ndcg_of_scores, recall, top_k
from relatum_export.evaluation.protocols.base import Protocol, Task, choose_form
from relatum_export.evaluation.rows import Outcome, mean_outcome
from relatum_export.evaluation.systems import TextSystem
from relatum_export.training.judged import JudgedQuery, JudgedSplit

RELEVANT_LABEL = 2  # counts as found for recall
DEPTH, RECALL_DEPTH = 10, 50


def _measure(task: Task) -> list[Outcome]:
    splits = {
        split: JudgedSplit.read(task.corpus, task.products(), split)
        for split in {*task.splits, "valid"}
    }
    outcomes = []
    for system in task.text:

        def on_valid(form: TextForm, system: TextSystem = system) -> float | None:
            if not splits["valid"].queries:
                return None
            return _reranked(task, system, form, splits["valid"]).value

        form = choose_form(task, system, on_valid)
        for split in task.splits:
            if splits[split].queries:
                outcomes.append(_reranked(task, system, form, splits[split]))
            if system.whole_corpus and (splits[split].queries or splits[split].single):
                outcomes += _whole_corpus(task, system, form, splits[split])
    for split in task.splits:
        judged = splits[split]
        if judged.unlabelled:
            left_out = f"{judged.unlabelled} queries left out, no label above 0"
            task.notes.append(f"search, {split}: {left_out}")
        if judged.single:
            alone = f"{len(judged.single)} queries with a single judged product"
            task.notes.append(f"search, {split}: {alone}, for the whole corpus alone")
    return outcomes


def _reranked(task: Task, system: TextSystem, form: TextForm, judged: JudgedSplit) -> Outcome:
    texts = task.products().texts(form)
    rows = np.unique(np.concatenate([query.rows for query in judged.queries]))
    scores = system.scores(
        [query.text for query in judged.queries], [texts[row] for row in rows], products=False
    )
    values = [
        ndcg_of_scores(scores[i, np.searchsorted(rows, query.rows)], query.labels)
        for i, query in enumerate(judged.queries)
    ]
    units = [query.query_id for query in judged.queries]
    return mean_outcome(judged.split, system.name, "NDCG@10", units, values)


def _whole_corpus(
    task: Task, system: TextSystem, form: TextForm, judged: JudgedSplit
) -> list[Outcome]:
    """Unjudged products count 0; ties by id, so the columns are laid out by id."""
    catalogue = task.products()
    by_id = np.argsort(np.array(catalogue.ids))
    place = np.empty(len(by_id), np.int64)
    place[by_id] = np.arange(len(by_id))
    texts = catalogue.texts(form)
    queries = sorted((*judged.queries, *judged.single), key=lambda query: query.query_id)
    scores = system.scores(
        [query.text for query in queries], [texts[row] for row in by_id], products=False
    )
    gains, found, units, found_units = [], [], [], []
    for query, row in zip(queries, scores, strict=True):
        ranked = top_k(row, RECALL_DEPTH)
        gains.append(_ndcg_of(query, place, ranked[:DEPTH]))
        units.append(query.query_id)
        relevant = place[query.rows[query.labels >= RELEVANT_LABEL]]
        if len(relevant):
            found.append(recall(np.isin(ranked, relevant), len(relevant)))
            found_units.append(query.query_id)
    return [
        mean_outcome(judged.split, system.name, "NDCG@10/corpus", units, gains),
        mean_outcome(judged.split, system.name, "R@50/corpus", found_units, found),
    ]


def _ndcg_of(query: JudgedQuery, place: NDArray[np.int64], ranked: NDArray[np.intp]) -> float:
    label = dict(zip(place[query.rows].tolist(), query.labels.tolist(), strict=True))
    return ndcg([label.get(int(item), 0) for item in ranked], list(label.values()), DEPTH)


def _applies(corpus: Corpus) -> bool:
    return corpus.has("queries") and corpus.has("judgments") and corpus.has("items")


SEARCH = Protocol("search", ("queries", "judgments"), True, _applies, _measure)
