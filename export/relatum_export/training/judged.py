"""Re-ranking the judged products of each query: the metric that training and export go by."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.text import TextForm
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
    """The queries of one split that can be measured: at least two products, one label above 0."""

    split: str
    queries: tuple[JudgedQuery, ...]

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
        queries = []
        for query_id, pairs in sorted(by_query.items()):
            pairs.sort()
            labels = np.array([label for _, label in pairs], dtype=np.int64)
            if len(pairs) > 1 and labels.max() > 0:
                rows = np.array([row_of[item_id] for item_id, _ in pairs], dtype=np.int64)
                queries.append(JudgedQuery(query_id, texts[query_id], rows, labels))
        return cls(split, tuple(queries))

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
                ndcg_at(score, query.labels)
                for score, query in zip(scores, self.queries, strict=True)
            ]
        )


def ndcg_at(scores: NDArray[np.floating], labels: NDArray[np.int64], cutoff: int = CUTOFF) -> float:
    """NDCG of one query whose candidates stand in the order of their ids (which breaks ties).

    **Source**: Järvelin and Kekäläinen 2002 with gain 2^label - 1 (Burges et al. 2005), discount
    log2(rank + 1).
    """
    order = np.argsort(-scores, kind="stable")
    discount = 1.0 / np.log2(np.arange(2, cutoff + 2))
    gains = 2.0**labels - 1.0
    top, ideal = gains[order][:cutoff], np.sort(gains)[::-1][:cutoff]
    best = float(ideal @ discount[: len(ideal)])
    return float(top @ discount[: len(top)]) / best if best > 0 else 0.0


def _query_texts(corpus: Corpus) -> Mapping[str, str]:
    table = corpus.table("queries", ["query_id", "query"])
    return dict(zip(table["query_id"].to_pylist(), table["query"].to_pylist(), strict=True))
