"""What reading a query together with its best candidates adds to their scores."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relatum_server.artifact import TextForm
from relatum_server.domain import EvidenceKind
from relatum_server.encoder.reranker import Reranker
from relatum_server.encoder.text import render
from relatum_server.ranking.explanation import Contribution, Ranking
from relatum_server.store.base import Store

MOST_READ = 64  # a product takes milliseconds
Keys = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Reranking:
    """A reranker with the texts of the catalogue.

    Attributes:
        reranker: reads query and text together.
        weight: of its scores, above 0.
        form: how a product becomes text.
        store: holds the products.
    """

    reranker: Reranker
    weight: float
    form: TextForm
    store: Store

    def added(self, query: str, ranking: Ranking, deadline: float | None = None) -> Ranking:
        """The ranking with what the reranker says of its best 64.

        The others, and products without text, count as the least of those that were read: they
        stood behind them and stay there.

        Args:
            query: as it is searched for.
            ranking: candidates with the other contributions.
            deadline: monotonic seconds after which nobody waits for the answer.

        Raises:
            DeadlineExceededError: it passed while they were read.
        """
        best = ranking.keys[np.lexsort((ranking.keys, -ranking.scores()))[:MOST_READ]]
        products = self.store.get_products_by_key(best.tolist())
        texts = {key: render(self.form, product) for key, product in products.items()}
        read = [key for key in best.tolist() if texts.get(key)]
        if not read:
            return ranking
        shown = [texts[key] for key in read]
        scores = self.reranker.scores(query, shown, deadline=deadline).astype(np.float64)
        values = np.full(len(ranking.keys), scores.min())
        place = {key: row for row, key in enumerate(ranking.keys.tolist())}
        values[[place[key] for key in read]] = scores
        part = Contribution(EvidenceKind.RERANKER, self.weight * values)
        return Ranking(ranking.keys, (*ranking.contributions, part))
