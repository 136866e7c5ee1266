"""Ranking a question's own candidates: the metric of corpora of questions and answers."""

import random
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.text import clean
from relatum_export.evaluation.metrics import ndcg_of_scores
from relatum_export.training.encoder import TextEncoder
from relatum_export.training.judged import CUTOFF


@dataclass(frozen=True, slots=True)
class CandidateMetric:
    """Mean NDCG@10 of the candidates of each question.

    Attributes:
        name: SET/valid/NDCG@10.
        questions: texts.
        candidates: texts of each question.
        labels: int64 [candidates] of each question, one of them above 0.
    """

    name: str
    questions: tuple[str, ...]
    candidates: tuple[tuple[str, ...], ...]
    labels: tuple[NDArray[np.int64], ...]

    def measure(self, encoder: TextEncoder) -> float:
        """Mean over questions."""
        texts = [text for found in self.candidates for text in found]
        documents = encoder.encode(texts, kind="document")
        questions = encoder.encode(self.questions, kind="query")
        total, start = 0.0, 0
        for question, labels in zip(questions, self.labels, strict=True):
            scores = documents[start : start + len(labels)] @ question
            total += ndcg_of_scores(scores, labels, CUTOFF)
            start += len(labels)
        return total / len(self.labels)


def candidate_metric(
    corpus: Corpus, *, questions: int, documents: int, seed: int
) -> CandidateMetric | None:
    """The valid questions of a corpus with given candidates, by a fixed draw; None without any."""
    if not (corpus.has("candidates") and corpus.has("queries")):
        return None
    queries = corpus.table("queries", ["query_id", "query"])
    texts = dict(zip(queries["query_id"].to_pylist(), queries["query"].to_pylist(), strict=True))
    by_question: dict[str, list[tuple[str, int]]] = {}
    for row in corpus.table("candidates").to_pylist():
        if row["split"] == "valid" and row["query_id"] in texts:
            found = by_question.setdefault(row["query_id"], [])
            found.append((clean(row["candidate"]), int(row["label"])))
    usable = [
        query_id
        for query_id, found in sorted(by_question.items())
        if len(found) > 1 and max(label for _, label in found) > 0
    ]
    kept: list[str] = []
    size = 0
    for query_id in random.Random(seed).sample(usable, len(usable)):  # noqa: S311 - a sample
        size += len(by_question[query_id])
        if len(kept) == questions or (size > documents and kept):
            break
        kept.append(query_id)
    if not kept:
        return None
    return CandidateMetric(
        f"{corpus.name}/valid/NDCG@{CUTOFF}",
        tuple(clean(texts[query_id]) for query_id in kept),
        tuple(tuple(text for text, _ in by_question[query_id]) for query_id in kept),
        tuple(np.array([label for _, label in by_question[q]], dtype=np.int64) for q in kept),
    )
