"""What can take a product's place."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from relatum_server.domain import EvidenceKind
from relatum_server.ranking.explanation import Contribution, Ranking
from relatum_server.ranking.fusion import RelationWeights
from relatum_server.services.anchors import DISLIKE
from relatum_server.services.bought_together import together
from relatum_server.services.live import LiveCatalogue
from relatum_server.services.pair_scores import PairScorer, Side
from relatum_server.services.relation import NOTHING, Similars

CLASS = "substitute"
CANDIDATES = 100
MIN_CANDIDATES = 20  # with many examples: each candidate is a pair with each of them
Mask = NDArray[np.bool_]


class Substitutes:
    """Alike by the spaces, and by the association head a substitute, rarely bought together.

    The head must have learned substitutes.
    """

    def __init__(
        self, live: LiveCatalogue, scorer: PairScorer, weights: RelationWeights | None = None
    ) -> None:
        self._live, self._scorer = live, scorer
        self._weights = weights or RelationWeights()
        self._similars = Similars(live, weights=weights)
        self._column = list(scorer.classes).index(CLASS)

    def of_text(
        self, text: str, vector: NDArray[np.float32], allowed: Mask | None, deadline: float | None
    ) -> Ranking:
        """What can take the place of what a text describes; unordered.

        Args:
            text: taken for a title.
            vector: of the text as a query [d].
            allowed: keys that may be ranked, or None for all.
            deadline: monotonic seconds.
        """
        near = self._similars.of_text(vector, allowed).best_first().keys[:CANDIDATES]
        sides = self._scorer.of_products(near.tolist())
        keys = np.array([key for key in near.tolist() if key in sides], np.int64)
        (anchor,) = self._scorer.of_texts([text], deadline)
        sure = self._probabilities([anchor], [sides[key] for key in keys.tolist()])[0]
        return Ranking(keys, (Contribution(EvidenceKind.ASSOCIATION, sure),), sure)

    def of_products(
        self, positives: Sequence[int], negatives: Sequence[int], allowed: Mask | None
    ) -> Ranking:
        """What can take the place of the liked products and not of the disliked; unordered."""
        live, w = self._live, self._weights
        count = max(CANDIDATES // (len(positives) + len(negatives)), MIN_CANDIDATES)
        near = self._similars.of_products(positives, negatives, allowed).best_first()
        own = np.isin(near.keys, [*positives, *negatives])
        wanted = near.keys[~own][:count].tolist()
        sides = self._scorer.of_products([*wanted, *positives, *negatives])
        liked = [key for key in positives if key in sides]
        disliked = [key for key in negatives if key in sides]
        keys = np.array([key for key in wanted if key in sides], np.int64)
        if not liked or not len(keys):
            return NOTHING
        candidates = [sides[key] for key in keys.tolist()]
        each = self._probabilities([sides[key] for key in liked], candidates)
        sure = each.mean(axis=0)
        value = sure
        if disliked:
            against = self._probabilities([sides[key] for key in disliked], candidates)
            value = sure - DISLIKE * against.mean(axis=0)
        movers = np.array(liked, np.int64)[each.argmax(axis=0)]
        parts = [(key, 1.0 / len(positives)) for key in positives]
        known, associations, anchors = together(live, parts, None)
        at = np.searchsorted(known, keys)
        inside = np.flatnonzero(at < len(known))
        inside = inside[known[at[inside]] == keys[inside]]
        bought, with_whom = np.zeros(len(keys)), movers.copy()
        bought[inside], with_whom[inside] = associations[at[inside]], anchors[at[inside]]
        types = live.keys.categories(np.array(positives, np.int64))
        theirs = live.keys.categories(keys)
        same = (theirs >= 0) & np.isin(theirs, types)
        return Ranking(
            keys,
            (
                Contribution(EvidenceKind.ASSOCIATION, value, movers),
                Contribution(EvidenceKind.CO_PURCHASE, -w.bought_together * bought, with_whom),
                Contribution(EvidenceKind.CATEGORY, np.where(same, w.category, 0.0)),
            ),
            sure,
        )

    def _probabilities(
        self, anchors: Sequence[Side], candidates: Sequence[Side]
    ) -> NDArray[np.float64]:
        """float64 [anchors, candidates]: that each candidate can take each anchor's place."""
        pairs = [(anchor, candidate) for anchor in anchors for candidate in candidates]
        found = self._scorer.probabilities(pairs)[:, self._column]
        return found.reshape(len(anchors), len(candidates))
