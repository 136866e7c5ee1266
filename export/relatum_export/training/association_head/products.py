"""The products of one or several corpora, as the head needs them: text, facts, vectors."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relatum_export.corpus.folder import Corpus
from relatum_export.errors import InputError
from relatum_export.training.association_head.lexical import (
    FEATURES,
    PairText,
    ProductFacts,
    WordWeights,
    pair_features,
)

NANO = 1e-9


def read_facts(corpus: Corpus) -> dict[str, ProductFacts]:
    """The facts of each product by id, read from the lines that the server is given.

    Raises:
        InputError: `products.jsonl` is missing or empty.
    """
    file = corpus.path / "products.jsonl"
    if not file.is_file():
        raise InputError(f"{file} is missing; run `relatum-export prepare` again")
    with file.open(encoding="utf-8") as lines:
        found = {product["id"]: _facts(product) for product in map(json.loads, lines)}
    if not found:
        raise InputError(f"{file} is empty: the corpus has no product to make pairs of")
    return found


def _facts(product: dict[str, Any]) -> ProductFacts:
    money = product.get("price")
    price = None
    if money:
        price = int(money.get("units", 0)) + NANO * int(money.get("nanos", 0))
    categories = product.get("categories") or [""]
    return ProductFacts(
        title=str(product.get("title") or ""),
        brand=str(product.get("brand") or ""),
        description=str(product.get("description") or ""),
        category=str(categories[0]),
        price=price,
    )


@dataclass(frozen=True, slots=True)
class LexicalFeatures:
    """Computes the features of pairs of rows; each product is taken apart once.

    Attributes:
        texts: one a product.
        weights: of words, counted over the catalogue.
    """

    texts: Sequence[PairText]
    weights: WordWeights

    def of(self, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.float32]:
        """Float32 [pairs, len(FEATURES)]."""
        rows = [
            pair_features(self.texts[i], self.texts[j], self.weights)
            for i, j in zip(a.tolist(), b.tolist(), strict=True)
        ]
        return np.array(rows, np.float32).reshape(len(rows), len(FEATURES))
