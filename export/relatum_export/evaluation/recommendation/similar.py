"""Scores as `ListRelated` makes them for SIMILAR with products as examples."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from relatum_export.artifact.words import Words
from relatum_export.evaluation.metrics import top_k
from relatum_export.evaluation.systems import BehaviourSpace
from relatum_export.training.users.ridge import apply_map

POOL = 100  # nearest of each space and by words, as in the server
MOST_EXAMPLES = 64  # of one request
TEXT_WEIGHT = BEHAVIOUR_WEIGHT = 0.5


@dataclass(frozen=True, slots=True)
class SimilarProducts:
    """The catalogue as the relation SIMILAR sees it.

    Attributes:
        text: float32 [items, d], rows of length 1; zeros where one has no text.
        known: which have behaviour, bool [items].
        placed: which have a place in the behaviour space, bool [items].
        places: in that space, float32 [items, d']; zeros where none.
        titles: weighted words, float64 [items, words], rows of length 1 or 0; None where the
            artifact does not weigh them.
        word_weight: of the similarity of words, beside each 1 of text.
    """

    text: NDArray[np.float32]
    known: NDArray[np.bool_]
    placed: NDArray[np.bool_]
    places: NDArray[np.float32]
    titles: sparse.csr_matrix | None = None
    word_weight: float = 0.0

    @classmethod
    def of(
        cls,
        items: Sequence[str],
        text: NDArray[np.float32],
        space: BehaviourSpace,
        *,
        titles: Sequence[str] = (),
        words: Words | None = None,
    ) -> "SimilarProducts":
        """Lay the artifact's space out as the catalogue is, and place by text what it lacks.

        Args:
            items: ids.
            text: their vectors, float32 [items, d].
            space: the artifact's.
            titles: of the items; asked for where the artifact weighs words.
            words: what the artifact adds to cosines.
        """
        row_of = {item: row for row, item in enumerate(space.item_ids)}
        rows = np.array([row_of.get(item, -1) for item in items], np.int64)
        known = rows >= 0
        places = np.zeros((len(items), space.vectors.shape[1]), np.float32)
        places[known] = _unit(space.vectors[rows[known]])
        placed = known
        if space.ridge is not None:
            placed = known | text.any(axis=1)
            places[~known] = apply_map(space.ridge, text[~known])
        weight = 0.0 if words is None else words.weights.get("similar", 0.0)
        weighted = None
        if words is not None and words.products is not None and weight:
            weighted = words.products.vectors(titles)
        return cls(text, known, placed, places, weighted, weight)

    def scores(
        self, history: NDArray[np.int64], allowed: NDArray[np.bool_] | None = None
    ) -> NDArray[np.float64]:
        """Of all items for a history's newest products; -inf for what is no candidate, [items].

        Args:
            history: positions, oldest first.
            allowed: what the request's filter lets through, bool [items]; None for all.
        """
        every = np.ones(len(self.text), np.bool_) if allowed is None else allowed
        newest = history[::-1]
        examples = newest[np.sort(np.unique(newest, return_index=True)[1])][:MOST_EXAMPLES]
        total = np.full(len(self.text), -np.inf)
        words = _unit(self.text[examples].mean(axis=0))
        by_text = (self.text @ words).astype(np.float64)
        near = _best(by_text, self.text.any(axis=1) & every)
        by_words = self._by_words(examples)
        near = np.union1d(near, _best(by_words, (by_words > 0) & every))
        learned = examples[self.known[examples]]
        if not len(learned):
            total[near] = by_text[near] + self.word_weight * by_words[near]
        else:
            habits = _unit(self.places[learned].mean(axis=0))
            by_behaviour = (self.places @ habits).astype(np.float64)
            found = np.union1d(near, _best(by_behaviour, self.placed & every))
            total[found] = self._sum(found, by_text[found], by_behaviour[found])
            total[found] += TEXT_WEIGHT * self.word_weight * by_words[found]
        total[examples] = -np.inf
        return total

    def _by_words(self, examples: NDArray[np.int64]) -> NDArray[np.float64]:
        """Cosine of each title's words with the examples', float64 [items]; 0 without words."""
        if self.titles is None:
            return np.zeros(len(self.text))
        summed = np.asarray(self.titles[examples].sum(axis=0)).ravel()
        length = float(np.linalg.norm(summed))
        result: NDArray[np.float64] = self.titles @ (summed / length if length > 0 else summed)
        return result

    def _sum(
        self, found: NDArray[np.int64], text: NDArray[np.float64], behaviour: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Both parts; text stands in, at the level of the others, for one without a place."""
        placed = self.placed[found]
        total = float(text[placed].sum())
        level = min(max(float(behaviour[placed].sum()) / total, 0.0), 1.0) if total > 0 else 1.0
        weight = np.where(placed, TEXT_WEIGHT, TEXT_WEIGHT + BEHAVIOUR_WEIGHT * level)
        result: NDArray[np.float64] = weight * text + BEHAVIOUR_WEIGHT * behaviour
        return result


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    result: NDArray[np.float32] = vectors / np.maximum(length, np.float32(1e-12))
    return result


def _best(scores: NDArray[np.float64], there: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Positions of the highest, ties by position."""
    rows = np.flatnonzero(there)
    return rows[top_k(scores[rows], POOL)].astype(np.int64)
