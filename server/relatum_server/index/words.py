"""Words of titles as weighted vectors in memory: how alike two titles are, and which are near.

A word that a text has n times weighs (1 + ln n) times its own weight; a text's weights are divided
by the root of the sum of their squares. The artifact's weights of words make the similarity of two
texts the same here and where it was measured, whatever is written later.
"""

import math
import threading
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from relatum_server.artifact import WordWeights
from relatum_server.index.base import Hits, Keys, Mask, WordProfile
from relatum_server.index.exact import best, is_allowed
from relatum_server.index.postings import Postings

MOST_POSTINGS = 2_000  # of the rarest words, that a search looks at
DISLIKE = 0.5  # as of vectors
_CAPACITY = 1024


class WordVectors:
    """A `WordSpace`. One writer; readers from any thread."""

    def __init__(self, weights: WordWeights) -> None:
        """Start empty, with the weights that an artifact gives to words."""
        self._weights = weights
        self._number_of: dict[str, int] = {}
        self._postings = Postings()
        self._starts = np.zeros(_CAPACITY, np.int64)
        self._lengths = np.zeros(_CAPACITY, np.int64)
        self._words = np.zeros(_CAPACITY, np.int32)
        self._values = np.zeros(_CAPACITY, np.float32)
        self._used = self._live = 0
        self._lock = threading.Lock()

    def upsert(self, keys: Sequence[int], titles: Sequence[Sequence[str]]) -> None:
        """Insert or replace the words of titles, with repeats; distinct keys."""
        numbers: list[int] = []
        weights: list[float] = []
        lengths = []
        for title in titles:
            weighed = self._weighed(title)
            lengths.append(len(weighed))
            weights += weighed.values()
            numbers += [self._number_of.setdefault(w, len(self._number_of)) for w in weighed]
        ends = np.cumsum(lengths).tolist()
        words_of = {
            key: numbers[end - length : end]
            for key, length, end in zip(keys, lengths, ends, strict=True)
        }
        with self._lock:
            before = {key: self._row(key) for key in keys}
        for key, own in words_of.items():
            had = before[key]
            self._postings.add(key, [n for n in own if n not in had] if had else own)
        with self._lock:
            self._put(keys, lengths, np.array(numbers, np.int32), np.array(weights, np.float32))
        self._postings.settle()

    def remove(self, keys: Sequence[int]) -> None:
        """Remove; unknown keys are ignored."""
        with self._lock:
            for key in keys:
                if key < len(self._lengths):
                    self._live -= int(self._lengths[key])
                    self._lengths[key] = 0

    def profile_of(self, positives: Sequence[int], negatives: Sequence[int]) -> WordProfile | None:
        """Products liked and disliked; see `WordSpace.profile_of`."""
        with self._lock:
            liked, disliked = self._mean(positives), self._mean(negatives)
        if liked is None:
            return None
        numbers, weights = liked
        if disliked is not None:
            numbers = np.concatenate([numbers, disliked[0]])
            weights = np.concatenate([weights, -DISLIKE * disliked[1]])
        distinct, places = np.unique(numbers, return_inverse=True)
        summed = np.bincount(places, weights, minlength=len(distinct))
        length = float(np.linalg.norm(summed))
        return WordProfile(distinct, summed / length) if length > 0 else None

    def scores(self, profile: WordProfile, keys: Keys) -> NDArray[np.float64]:
        """Similarities by key; see `WordSpace.scores`."""
        with self._lock:
            found, numbers, values = self._gather(keys)
        at = np.searchsorted(profile.numbers, numbers)
        at[at == len(profile.numbers)] = 0
        shared = profile.numbers[at] == numbers
        products = np.where(shared, values * profile.weights[at], 0.0)
        return np.asarray(np.bincount(found, products, minlength=len(keys)), np.float64)

    def search(self, profile: WordProfile, k: int, *, allowed: Mask | None = None) -> Hits:
        """The k most alike; see `WordSpace.search`.

        Rare are those with few products, as many as have 2,000 together; a word with more is none.
        """
        keys = self._postings.of_rarest(profile.numbers[profile.weights > 0], MOST_POSTINGS)
        keys = keys[is_allowed(keys, allowed)]
        scores = self.scores(profile, keys)
        positive = scores > 0  # a product that lost the word is still among the word's own
        return best(keys[positive], scores[positive], k)

    def _weighed(self, text: Sequence[str]) -> dict[str, float]:
        """Each distinct word with its weight, of length 1."""
        own, rare = self._weights.weights, self._weights.rare
        found = {
            word: (1 + math.log(times)) * own.get(word, rare)
            for word, times in Counter(text).items()
        }
        length = math.sqrt(sum(weight * weight for weight in found.values()))
        return {word: weight / length for word, weight in found.items()}

    def _row(self, key: int) -> set[int]:
        if key >= len(self._lengths) or not self._lengths[key]:
            return set()
        start = self._starts[key]
        return set(self._words[start : start + self._lengths[key]].tolist())

    def _put(
        self,
        keys: Sequence[int],
        lengths: Sequence[int],
        numbers: NDArray[np.int32],
        weights: NDArray[np.float32],
    ) -> None:
        """Append rows, one after another in the arrays given, and let the keys point to them."""
        self._reserve(max(keys, default=0), len(numbers))
        at = np.array(keys, np.int64)
        self._live += len(numbers) - int(self._lengths[at].sum())
        end = self._used + len(numbers)
        self._words[self._used : end], self._values[self._used : end] = numbers, weights
        self._lengths[at] = lengths
        self._starts[at] = self._used + np.cumsum(lengths) - self._lengths[at]
        self._used = end

    def _reserve(self, key: int, more: int) -> None:
        """Room for a key and so many words; what rewriting left behind is dropped first."""
        if key >= len(self._lengths):
            size = max(2 * len(self._lengths), key + 1)
            self._starts, self._lengths = _grown(self._starts, size), _grown(self._lengths, size)
        if self._used + more <= len(self._words):
            return
        keys = np.flatnonzero(self._lengths).astype(np.int64)
        _, numbers, weights = self._gather(keys)
        size = max(2 * (self._live + more), _CAPACITY)
        self._words, self._values = _grown(numbers, size), _grown(weights, size)
        lengths = self._lengths[keys]
        self._starts[keys] = np.cumsum(lengths) - lengths
        self._used = self._live

    def _gather(
        self, keys: Keys
    ) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
        """Position among the keys, number and weight of every word of these products."""
        there = np.minimum(keys, len(self._lengths) - 1)
        lengths = np.where(keys < len(self._lengths), self._lengths[there], 0)
        ends = np.cumsum(lengths)
        total = int(ends[-1]) if len(ends) else 0
        rows = np.repeat(self._starts[there] - (ends - lengths), lengths) + np.arange(total)
        return np.repeat(np.arange(len(keys)), lengths), self._words[rows], self._values[rows]

    def _mean(self, keys: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.float64]] | None:
        """Words of these products with their weights over the number that has words."""
        found, numbers, values = self._gather(np.array(keys, np.int64))
        if not len(found):
            return None
        share = 1.0 / len(np.unique(found))
        return numbers.astype(np.int64), values.astype(np.float64) * share


def _grown(values: NDArray[np.generic], size: int) -> NDArray:  # type: ignore[type-arg]
    grown = np.zeros(size, values.dtype)
    grown[: len(values)] = values
    return grown
