"""Candidates of a relation and their exact scores."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relatum_server.domain import EvidenceKind
from relatum_server.index.base import Keys, Mask, Space
from relatum_server.ranking.explanation import NO_PRODUCT, Contribution, Ranking, union
from relatum_server.ranking.fusion import RelationWeights
from relatum_server.services.anchors import DISLIKE, anchor_vector, nearest_anchor
from relatum_server.services.bought_together import together
from relatum_server.services.live import LiveCatalogue
from relatum_server.services.titles import Titles

POOL = 100  # nearest of each space; more costs latency and moves no first page
NEAR = 20
NOTHING = Ranking(np.zeros(0, np.int64), ())
Vector = NDArray[np.float32]


class Similars:
    """Alike in text, in the words of titles, and in behaviour."""

    def __init__(
        self,
        live: LiveCatalogue,
        places: Space | None = None,
        weights: RelationWeights | None = None,
    ) -> None:
        """Compare products of the catalogue.

        Args:
            live: the catalogue.
            places: the behaviour space with a place for what has a text alone, if there is one.
            weights: of the spaces.
        """
        self._live = live
        self._places = places
        self._weights = weights or RelationWeights()

    def of_text(self, vector: Vector, allowed: Mask | None) -> Ranking:
        """Nearest to a text [d]; only its vector contributes."""
        hits = self._live.text.search(vector, POOL, allowed=allowed)
        part = Contribution(EvidenceKind.TEXT, hits.scores.astype(np.float64))
        return Ranking(hits.keys, (part,))

    def of_products(
        self, positives: Sequence[int], negatives: Sequence[int], allowed: Mask | None
    ) -> Ranking:
        """Nearest to the mean of the liked products, away from the disliked; unordered.

        Where behaviour knows nothing of the anchors, text carries the whole weight. Where it knows
        nothing of one candidate, that stands where its text puts it in the behaviour space, or, if
        the artifact has no map, text stands in at the level that behaviour has among the others: a
        new product is neither punished nor preferred. Where the artifact weighs words, what titles
        share is added to text.
        """
        text, index = self._live.text, self._live.behaviour.index
        words = anchor_vector(text, positives, negatives)
        titles = Titles.of(self._live, positives, negatives, self._weights.words)
        habits = None if index is None else anchor_vector(index, positives, negatives)
        if index is None or habits is None:
            return NOTHING if words is None else self._of_text(words, titles, allowed)
        behaviour: Space = index if self._places is None else self._places
        found = [behaviour.search(habits, POOL, allowed=allowed).keys]
        if words is not None:
            found.append(text.search(words, POOL, allowed=allowed).keys)
        if titles is not None:
            found.append(titles.nearest(POOL, allowed))
        keys = union(found)
        text_scores = np.zeros(len(keys)) if words is None else text.scores(words, keys)[0]
        habit_scores, present = behaviour.scores(habits, keys)
        w = self._weights
        level = stand_in(text_scores, habit_scores, present) if words is not None else 0.0
        text_weight = np.where(present, w.text, w.text + w.behaviour * level)
        parts = [
            Contribution(EvidenceKind.TEXT, text_weight * text_scores),
            Contribution(
                EvidenceKind.BEHAVIOUR,
                w.behaviour * habit_scores,
                nearest_anchor(behaviour, positives, keys),
            ),
        ]
        if titles is not None:
            parts.append(titles.part(keys, w.text))
        return Ranking(keys, tuple(parts))

    def _of_text(self, vector: Vector, titles: Titles | None, allowed: Mask | None) -> Ranking:
        """Nearest to products whose behaviour says nothing."""
        if titles is None:
            return self.of_text(vector, allowed)
        near = self._live.text.search(vector, POOL, allowed=allowed).keys
        keys = union([near, titles.nearest(POOL, allowed)])
        scores, _ = self._live.text.scores(vector, keys)
        return Ranking(keys, (Contribution(EvidenceKind.TEXT, scores), titles.part(keys)))


class Complements:
    """Bought together, of another type."""

    def __init__(self, live: LiveCatalogue, weights: RelationWeights | None = None) -> None:
        self._live = live
        self._weights = weights or RelationWeights()

    def of_text(self, vector: Vector, allowed: Mask | None) -> Ranking:
        """What goes with the products nearest to a text [d]."""
        return self._finish(*self._back_off(vector, allowed), allowed, anchors=())

    def of_products(
        self, positives: Sequence[int], negatives: Sequence[int], allowed: Mask | None
    ) -> Ranking:
        """What goes with the liked products and not with the disliked; unordered.

        Products without baskets take over what goes with those nearest to them in text.
        """
        parts = [(key, 1.0 / len(positives)) for key in positives]
        parts += [(key, -DISLIKE / len(negatives)) for key in negatives]
        keys, values, products = together(self._live, parts, allowed)
        behaviour = self._live.behaviour.index
        habits = None if behaviour is None else anchor_vector(behaviour, positives, negatives)
        led = self._led(positives, negatives, allowed)
        if not len(keys) and habits is None and led is None:
            words = anchor_vector(self._live.text, positives, negatives)
            if words is not None:
                keys, values, products = self._back_off(words, allowed)
        if led is not None:  # which of two goes with the other is known: likeness says less
            habits = None
        return self._finish(
            keys, values, products, allowed, anchors=positives, habits=habits, led=led
        )

    def _led(
        self, positives: Sequence[int], negatives: Sequence[int], allowed: Mask | None
    ) -> "_Led | None":
        """What the liked products lead to; None where the artifact does not know."""
        spaces = self._live.spaces
        leading, found = spaces.get("complement_out"), spaces.get("complement_in")
        if leading is None or found is None:
            return None
        liked, there = leading.get(np.array(positives, np.int64))
        if not there.any():
            return None
        query = liked[there].mean(axis=0)
        if negatives:
            disliked, known = leading.get(np.array(negatives, np.int64))
            query = query - DISLIKE * disliked[known].sum(axis=0) / max(int(known.sum()), 1)
        largest = float(found.search(query, 1).scores.sum())
        if largest <= 0:
            return None
        keys = found.search(query, POOL, allowed=allowed).keys
        anchors = np.array(positives, np.int64)[there]
        return _Led(found, query, largest, keys, anchors, liked[there])

    def _back_off(
        self, vector: Vector, allowed: Mask | None
    ) -> tuple[Keys, NDArray[np.float64], Keys]:
        near = self._live.text.search(vector, NEAR)
        weights = np.maximum(near.scores.astype(np.float64), 0.0)
        total = weights.sum()
        if total == 0.0:
            return np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int64)
        weights *= self._weights.back_off / total
        return together(
            self._live, list(zip(near.keys.tolist(), weights.tolist(), strict=True)), allowed
        )

    def _finish(
        self,
        keys: Keys,
        values: NDArray[np.float64],
        products: Keys,
        allowed: Mask | None,
        *,
        anchors: Sequence[int],
        habits: Vector | None = None,
        led: "_Led | None" = None,
    ) -> Ranking:
        """Add the spaces and the bonus of another category."""
        w = self._weights
        behaviour = self._live.behaviour.index
        candidates = keys
        if behaviour is not None and habits is not None:
            near = behaviour.search(habits, POOL, allowed=allowed).keys
            candidates = union([keys, near])
        if led is not None:
            candidates = union([candidates, led.keys])
        value = np.zeros(len(candidates))
        product = np.full(len(candidates), NO_PRODUCT, np.int64)
        at = np.searchsorted(candidates, keys)
        value[at], product[at] = values, products
        parts = [Contribution(EvidenceKind.CO_PURCHASE, w.copurchase * value, product)]
        if behaviour is not None and habits is not None:
            habit_scores, _ = behaviour.scores(habits, candidates)
            parts.append(
                Contribution(
                    EvidenceKind.BEHAVIOUR,
                    w.complement_behaviour * habit_scores,
                    nearest_anchor(behaviour, anchors, candidates),
                )
            )
        if led is not None:
            strength, movers = led.of(candidates)
            parts.append(Contribution(EvidenceKind.COMPLEMENT, w.complement * strength, movers))
        if anchors:
            categories = self._live.keys.categories(np.array(anchors, np.int64))
            theirs = self._live.keys.categories(candidates)
            other = (theirs >= 0) & ~np.isin(theirs, categories) & (categories >= 0).all()
            parts.append(Contribution(EvidenceKind.CATEGORY, np.where(other, w.category, 0.0)))
        return Ranking(candidates, tuple(parts))


@dataclass(frozen=True, slots=True)
class _Led:
    """What products lead to, in the space of complements.

    Attributes:
        space: of the *in* vectors.
        query: mean *out* vector of the anchors [d].
        largest: of its products with the catalogue, above 0.
        keys: the nearest that may be ranked.
        anchors: keys of the anchors that have a vector.
        leading: their *out* vectors.
    """

    space: Space
    query: Vector
    largest: float
    keys: Keys
    anchors: Keys
    leading: Vector

    def of(self, keys: Keys) -> tuple[NDArray[np.float64], Keys]:
        """Strengths [n] over the largest, 0 at least, and for each the anchor that leads most."""
        scores, present = self.space.scores(self.query, keys)
        theirs, _ = self.space.get(keys)
        most = self.anchors[(theirs @ self.leading.T).argmax(axis=1)]
        return np.maximum(scores, 0.0) / self.largest, np.where(present, most, NO_PRODUCT)


def stand_in(text: NDArray[np.float64], behaviour: NDArray[np.float64], present: Mask) -> float:
    """Level of behaviour scores relative to text scores, 0..1, where both are known."""
    total = float(text[present].sum())
    return min(max(float(behaviour[present].sum()) / total, 0.0), 1.0) if total > 0 else 1.0
