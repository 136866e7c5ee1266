"""Where products stand in the behaviour space: by behaviour, else by their text."""

import numpy as np
from numpy.typing import NDArray

from relatum_server.index.base import Hits, Index
from relatum_server.index.exact import best
from relatum_server.ranking.explanation import union
from relatum_server.services.live import LiveCatalogue

Keys = NDArray[np.int64]
Mask = NDArray[np.bool_]
Vectors = NDArray[np.float32]


class BehaviourPlaces:
    """The behaviour space, in which a product without behaviour stands at its text times a map.

    Its inner product with a query is then one of the text vector with the query turned back, so
    that the text index finds the best of them.
    """

    def __init__(self, live: LiveCatalogue, index: Index, ridge: Vectors | None) -> None:
        """Take the behaviour index and the artifact's map, float32 [text dimension + 1, d].

        Without a map, what the index lacks has no place.
        """
        self._live, self._index = live, index
        self._ridge = None if ridge is None else np.asarray(ridge, np.float32)

    def get(self, keys: Keys) -> tuple[Vectors, Mask]:
        """Vectors [n, d] (zeros where unknown) and bool [n], which products have a place."""
        vectors, present = self._index.get(keys)
        cold = np.flatnonzero(~present)
        if self._ridge is not None and len(cold):
            texts, there = self._live.text.get(keys[cold])
            rows = cold[there]
            vectors[rows] = texts[there] @ self._ridge[:-1] + self._ridge[-1]
            present[rows] = True
        return vectors, present

    def scores(self, query: Vectors, keys: Keys) -> tuple[NDArray[np.float64], Mask]:
        """Inner products [n] with a query [d], 0 without a place, and bool [n], which have one."""
        vectors, present = self.get(keys)
        return (vectors @ query).astype(np.float64), present

    def search(self, query: Vectors, k: int, *, allowed: Mask | None = None) -> Hits:
        """The k best of those with behaviour and of those that stand where their text puts them."""
        hits = self._index.search(query, k, allowed=allowed)
        lacking = self._live.behaviour.lacking
        if allowed is not None:
            size = min(len(allowed), len(lacking))
            lacking = lacking[:size] & allowed[:size]
        if self._ridge is None or not lacking.any():
            return hits
        turned = (self._ridge[:-1] @ query).astype(np.float32)
        placed = self._live.text.search(turned, k, allowed=lacking).keys
        keys = union([hits.keys, placed])
        return best(keys, self.scores(query, keys)[0], k)
