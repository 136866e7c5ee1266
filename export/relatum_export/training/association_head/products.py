"""The products of one or several corpora, as the head needs them: text, facts, vectors."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.schema import SPLITS
from relatum_export.errors import InputError
from relatum_export.training.association_head.behaviour import COMPANY_PRODUCTS
from relatum_export.training.association_head.lexical import (
    FEATURES,
    PairText,
    ProductFacts,
    WordWeights,
    pair_features,
)
from relatum_export.training.products import Catalogue

NANO = 1e-9


def relevant(corpus: Corpus, catalogue: Catalogue) -> Catalogue:
    """The products that pairs can be made of, in the catalogue's order.

    Those of judged pairs and, of a large catalogue, the 5,000 that train's behaviour names most:
    a shop of 100,000 products need not be encoded whole for a few thousand pairs.
    """
    if len(catalogue.ids) <= COMPANY_PRODUCTS:
        return catalogue
    counts = _named_by_behaviour(corpus)
    row_of = {item: row for row, item in enumerate(catalogue.ids)}
    named = sorted((item for item in counts if item in row_of), key=lambda i: (-counts[i], i))
    kept = {row_of[item] for item in named[:COMPANY_PRODUCTS]}
    if corpus.has("pairs"):
        pairs = corpus.table("pairs", ["item_id_a", "item_id_b"])
        sides = (pairs[side].to_pylist() for side in pairs.column_names)
        kept |= {row_of[item] for side in sides for item in side if item in row_of}
    rows = sorted(kept)
    return Catalogue(
        tuple(catalogue.ids[row] for row in rows),
        tuple(catalogue.products[row] for row in rows),
        tuple(catalogue.groups[row] for row in rows),
    )


def _named_by_behaviour(corpus: Corpus) -> Counter[str]:
    """How often train's events, bundles and lists name each item."""
    counts: Counter[str] = Counter()
    train = SPLITS[0]
    if corpus.has("events"):
        events = corpus.table("events", ["item_id", "split"]).to_pandas()
        counts.update(events.loc[events["split"] == train, "item_id"].tolist())
    if corpus.has("bundles"):
        bundles = corpus.table("bundles", ["items", "split"]).to_pylist()
        counts.update(
            item for row in bundles if row["split"] == train for item in row["items"] or ()
        )
    if corpus.has("items"):
        lists = {"also_bought", "also_viewed"} & set(corpus.table("items").column_names)
        for name in sorted(lists):
            for listed in corpus.table("items", [name])[name].to_pylist():
                counts.update(listed or ())
    return counts


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
