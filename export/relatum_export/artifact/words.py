"""The words of an artifact: what each weighs, and how much they count beside the vectors.

The server compares words by the same rules in code of its own; a test holds the two together.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.preprocessing import normalize

from relatum.artifact.v1 import manifest_pb2
from relatum_export.corpus.segmentation import words
from relatum_export.errors import InputError

FILE = "words.json"
Use: TypeAlias = Literal["similar", "search", "rerank", "answers"]
USES: tuple[Use, ...] = get_args(Use)
Similarity: TypeAlias = Literal["similar", "answers"]  # searches weigh BM25 instead


@dataclass(frozen=True, slots=True)
class WordTable:
    """Inverse document frequencies of a collection: ln((1 + n) / (1 + df)) + 1.

    Attributes:
        weights: of the words that at least two texts have.
        rare: of any other word: that of a word which one text has.

    **Source**: scikit-learn's `TfidfTransformer` with smooth_idf and sublinear_tf; Manning,
    Raghavan and Schütze 2008, Introduction to Information Retrieval, section 6.4.
    """

    weights: Mapping[str, float]
    rare: float

    @classmethod
    def fit(cls, texts: Iterable[str]) -> Self:
        """Count a collection's texts; equal texts count once, empty ones not at all."""
        distinct = sorted({text for text in texts if text.strip()})
        size = len(distinct)
        counter = CountVectorizer(analyzer=words, binary=True)
        try:
            counts = counter.fit_transform(distinct)
        except ValueError:  # no word in any text
            return cls({}, 1.0)
        frequency = np.asarray(counts.sum(axis=0)).ravel()
        weights = {
            word: round(math.log((1 + size) / (1 + frequency[column])) + 1, 4)
            for word, column in sorted(counter.vocabulary_.items())
            if frequency[column] > 1
        }
        return cls(weights, round(math.log((1 + size) / 2) + 1, 4))

    def similarity(self, queries: Sequence[str], documents: Sequence[str]) -> NDArray[np.float32]:
        """Cosine of the weighted words of each query and document, float32 [queries, documents].

        0..1; 0 where one of the two has no word.
        """
        counter = CountVectorizer(analyzer=words)
        try:
            counts = counter.fit_transform([*queries, *documents])
        except ValueError:  # no word in any text
            return np.zeros((len(queries), len(documents)), np.float32)
        rows = self._weighted(counts, counter.vocabulary_)
        left, right = rows[: len(queries)], rows[len(queries) :]
        result: NDArray[np.float32] = (left @ right.T).toarray().astype(np.float32)
        return result

    def vectors(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """The weighted words of each text, rows of length 1 or 0, float64 [texts, words]."""
        counter = CountVectorizer(analyzer=words)
        try:
            return self._weighted(counter.fit_transform(texts), counter.vocabulary_)
        except ValueError:  # no word in any text
            return sparse.csr_matrix((len(texts), 1))

    def _weighted(
        self, counts: sparse.csr_matrix, vocabulary: Mapping[str, int]
    ) -> sparse.csr_matrix:
        own = np.empty(len(vocabulary))
        for word, column in vocabulary.items():
            own[column] = self.weights.get(word, self.rare)
        rows = counts.astype(np.float64)
        rows.data = (1 + np.log(rows.data)) * own[rows.indices]
        return normalize(rows)


@dataclass(frozen=True, slots=True)
class Words:
    """What an artifact adds to cosines.

    Attributes:
        products: of the catalogue's titles; None where there is no catalogue.
        passages: of texts that answer questions; None where there are none.
        weights: by use, at least 0; 0 where it is missing. Of `similar` and `answers` that of the
            similarity of words, of `search` and `rerank` that of BM25 over a query's best.
    """

    products: WordTable | None
    passages: WordTable | None
    weights: Mapping[Use, float]

    def scores(
        self, use: Similarity, queries: Sequence[str], documents: Sequence[str]
    ) -> NDArray[np.float32] | None:
        """What is added to the cosines, float32 [queries, documents]; None for nothing.

        Args:
            use: what the scores are for.
            queries: texts; of products their titles.
            documents: passages, or titles of products.
        """
        weight = self.weights.get(use, 0.0)
        table = self.passages if use == "answers" else self.products
        if weight == 0 or table is None:
            return None
        return np.float32(weight) * table.similarity(queries, documents)

    def write(self, folder: Path) -> manifest_pb2.Words:
        """Write the tables; the message for the manifest."""
        tables = {"products": self.products, "passages": self.passages}
        content = {
            name: {"rare": table.rare, "weights": dict(table.weights)}
            for name, table in tables.items()
            if table is not None
        }
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        (folder / FILE).write_text(text + "\n", encoding="utf-8")
        weights: dict[str, float] = {use: self.weights.get(use, 0.0) for use in USES}
        return manifest_pb2.Words(file=FILE, **weights)

    @classmethod
    def read(cls, artifact: Path, manifest: manifest_pb2.Manifest) -> Self | None:
        """The words of an artifact; None where it has none.

        Raises:
            InputError: the tables are damaged.
        """
        if not manifest.HasField("words"):
            return None
        file = artifact / manifest.words.file
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            tables = {name: _table(content[name]) for name in content}
        except (AttributeError, KeyError, OSError, TypeError, ValueError) as error:
            raise InputError(f"{file} is damaged ({error!r}); export again") from error
        weights: dict[Use, float] = {use: getattr(manifest.words, use) for use in USES}
        return cls(tables.get("products"), tables.get("passages"), weights)


def _table(content: Mapping[str, Any]) -> WordTable:
    weights = {str(word): float(weight) for word, weight in content["weights"].items()}
    return WordTable(weights, float(content["rare"]))
