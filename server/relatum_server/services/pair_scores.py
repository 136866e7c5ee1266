"""What the association head says of pairs of products and texts."""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relatum_server.domain import Product
from relatum_server.encoder.base import Encoder
from relatum_server.encoder.pair_features import PairText, ProductFacts
from relatum_server.encoder.pair_head import PairHead
from relatum_server.services.live import LiveCatalogue
from relatum_server.store.base import Store

_TEXTS = 4096


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a pair: its document vector [d], and its text where the head reads texts."""

    vector: NDArray[np.float32]
    text: PairText | None


class PairScorer:
    """Prepares sides and asks the head. Safe from any thread."""

    def __init__(self, live: LiveCatalogue, store: Store, encoder: Encoder, head: PairHead) -> None:
        self._live, self._store, self._encoder, self._head = live, store, encoder, head
        self._texts: OrderedDict[int, tuple[str, PairText]] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def classes(self) -> Sequence[str]:
        """What the columns of `probabilities` stand for."""
        return self._head.classes

    def of_products(self, keys: Sequence[int]) -> Mapping[int, Side]:
        """Sides by key, of the products that have a text vector."""
        wanted = np.array(sorted(set(keys)), np.int64)
        vectors, present = self._live.text.get(wanted)
        there = wanted[present].tolist()
        texts: Mapping[int, PairText] = self._pair_texts(there) if self._head.reads_texts else {}
        return {
            key: Side(vector, texts.get(key))
            for key, vector in zip(there, vectors[present], strict=True)
            if not self._head.reads_texts or key in texts  # else it was deleted meanwhile
        }

    def of_texts(self, texts: Sequence[str], deadline: float | None) -> list[Side]:
        """Sides of texts, each taken for a title, in order."""
        if not texts:
            return []
        vectors = self._encoder.encode(texts, "DOCUMENT", deadline=deadline).vectors
        reads = self._head.reads_texts
        return [
            Side(vector, PairText.of(ProductFacts(text)) if reads else None)
            for text, vector in zip(texts, vectors, strict=True)
        ]

    def probabilities(self, pairs: Sequence[tuple[Side, Side]]) -> NDArray[np.float64]:
        """float64 [pairs, classes], rows of sum 1."""
        if not pairs:
            return np.zeros((0, len(self.classes)))
        texts = [(a.text, b.text) for a, b in pairs if a.text is not None and b.text is not None]
        found = self._head.probabilities(
            np.stack([a.vector for a, _ in pairs]), np.stack([b.vector for _, b in pairs]), texts
        )
        return found.astype(np.float64)

    def _pair_texts(self, keys: Sequence[int]) -> dict[int, PairText]:
        products = self._store.get_products_by_key(keys) if keys else {}
        found: dict[int, PairText] = {}
        with self._lock:
            for key, product in products.items():
                etag, text = self._texts.get(key, ("", None))
                if text is not None and etag == product.etag:
                    self._texts.move_to_end(key)
                    found[key] = text
        fresh = {
            key: PairText.of(_facts(product))
            for key, product in products.items()
            if key not in found
        }
        with self._lock:
            for key, text in fresh.items():
                self._texts[key] = (products[key].etag, text)
            while len(self._texts) > _TEXTS:
                self._texts.popitem(last=False)
        return found | fresh


def _facts(product: Product) -> ProductFacts:
    return ProductFacts(
        title=product.title,
        brand=product.brand,
        description=product.description,
        category=product.categories[0] if product.categories else "",
        price=None if product.price is None else product.price.amount,
    )
