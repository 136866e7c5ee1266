"""Re-ranking the judged products of each query: the metric that training and export go by."""

import random
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.text import TextForm
from relatum_export.evaluation.metrics import ndcg_of_scores
from relatum_export.training.batching import Progress
from relatum_export.training.encoder import TextEncoder
from relatum_export.training.products import Catalogue

CUTOFF = 10


@dataclass(frozen=True, slots=True)
class JudgedQuery:
    """One query with its judged products, in the order of their ids.

    Attributes:
        query_id: the query's id.
        text: what was typed.
        rows: positions of the products in the catalogue, int64 [n].
        labels: 0..3, int64 [n].
    """

    query_id: str
    text: str
    rows: NDArray[np.int64]
    labels: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class JudgedSplit:
    """The judged queries of one split.

    Attributes:
        split: valid or test.
        queries: those that can be re-ranked: at least two products, one label above 0.
        single: those with one product, its label above 0: for the whole corpus alone.
        unlabelled: how many were left out for want of a label above 0.
    """

    split: str
    queries: tuple[JudgedQuery, ...]
    single: tuple[JudgedQuery, ...] = ()
    unlabelled: int = 0

    @classmethod
    def read(cls, corpus: Corpus, catalogue: Catalogue, split: str) -> "JudgedSplit":
        """Read the split; empty where the corpus has no judgments."""
        if not (corpus.has("judgments") and corpus.has("queries")):
            return cls(split, ())
        row_of = {item_id: row for row, item_id in enumerate(catalogue.ids)}
        texts = _query_texts(corpus)
        by_query: dict[str, list[tuple[str, int]]] = {}
        table = corpus.table("judgments", ["query_id", "item_id", "label", "split"])
        for judgment in table.to_pylist():
            known = judgment["item_id"] in row_of and judgment["query_id"] in texts
            if judgment["split"] == split and known:
                pairs = by_query.setdefault(judgment["query_id"], [])
                pairs.append((judgment["item_id"], int(judgment["label"])))
        queries: list[JudgedQuery] = []
        single: list[JudgedQuery] = []
        unlabelled = 0
        for query_id, pairs in sorted(by_query.items()):
            pairs.sort()
            labels = np.array([label for _, label in pairs], dtype=np.int64)
            if labels.max() <= 0:
                unlabelled += 1
                continue
            rows = np.array([row_of[item_id] for item_id, _ in pairs], dtype=np.int64)
            query = JudgedQuery(query_id, texts[query_id], rows, labels)
            (queries if len(pairs) > 1 else single).append(query)
        return cls(split, tuple(queries), tuple(single), unlabelled)

    def sample(self, queries: int, documents: int, seed: int) -> "JudgedSplit":
        """At most so many queries, with at most so many products in all, by a fixed draw."""
        order = random.Random(seed).sample(self.queries, len(self.queries))  # noqa: S311 - a sample
        kept: list[JudgedQuery] = []
        seen: set[int] = set()
        for query in order:
            more = seen.union(query.rows.tolist())
            if len(kept) < queries and (len(more) <= documents or not kept):
                kept.append(query)
                seen = more
        kept.sort(key=lambda query: query.query_id)
        return JudgedSplit(self.split, tuple(kept), self.single, self.unlabelled)

    def ndcg(
        self,
        encoder: TextEncoder,
        catalogue: Catalogue,
        form: TextForm,
        progress: Progress | None = None,
    ) -> NDArray[np.float64]:
        """NDCG@10 of each query, float64 [queries], in the order of ``queries``."""
        texts = catalogue.texts(form)
        needed = np.unique(np.concatenate([query.rows for query in self.queries]))
        documents = encoder.encode(
            [texts[row] for row in needed], kind="document", progress=progress
        )
        queries = encoder.encode([query.text for query in self.queries], kind="query")
        scores = [
            documents[np.searchsorted(needed, query.rows)] @ vector
            for query, vector in zip(self.queries, queries, strict=True)
        ]
        return np.array(
            [
                ndcg_of_scores(score, query.labels, CUTOFF)
                for score, query in zip(scores, self.queries, strict=True)
            ]
        )


def _query_texts(corpus: Corpus) -> Mapping[str, str]:
    table = corpus.table("queries", ["query_id", "query"])
    return dict(zip(table["query_id"].to_pylist(), table["query"].to_pylist(), strict=True))
