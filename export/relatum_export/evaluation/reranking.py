"""What an artifact's reranker adds to the scores of a query's texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from relatum_export.artifact.onnx_reranker import Reading
from relatum_export.evaluation.metrics import top_k
from relatum_export.training.cross_encoder import Pair, PairScorer

MOST_READ = 64  # of one query; the server's limit, a test holds the two together


@dataclass(frozen=True, slots=True)
class Reranking:
    """A reranker with its weights; each pair is read once.

    Attributes:
        scorer: reads a query and a text together.
        weights: of its scores beside a cosine, by what they are for; 0 where one is missing.
        known: pairs that were read, with their scores.
    """

    scorer: PairScorer
    weights: Mapping[Reading, float]
    known: dict[Pair, float] = field(default_factory=dict)

    def added(
        self, reading: Reading, query: str, texts: Sequence[str], scores: NDArray[np.floating]
    ) -> NDArray[np.float32]:
        """The weight times how well each text answers the query, float32 [texts].

        Only the best are read, as in the server; the others count as the least of those.

        Args:
            reading: what the scores are for.
            query: as asked.
            texts: passages, or products as the encoder reads them.
            scores: theirs so far, [texts].
        """
        weight = self.weights.get(reading, 0.0)
        if weight == 0 or not texts:
            return np.zeros(len(texts), np.float32)
        best = top_k(scores, MOST_READ)
        pairs = [(query, texts[row]) for row in best]
        new = list(dict.fromkeys(pair for pair in pairs if pair not in self.known))
        if new:
            self.known.update(zip(new, self.scorer.scores(new).tolist(), strict=True))
        read = np.array([self.known[pair] for pair in pairs], np.float32)
        found = np.full(len(texts), read.min(), np.float32)
        found[best] = read
        weighed: NDArray[np.float32] = np.float32(weight) * found
        return weighed
