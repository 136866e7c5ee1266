"""The lexical leg of the server's `Search`: BM25 by SQLite's FTS5, over a query's best.

The same tables, words and weights of columns as in the server; a test holds the two together.
"""

import sqlite3
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from relatum_export.corpus.segmentation import words
from relatum_export.corpus.text import ProductText

TITLE_WEIGHT = 3.0
OTHER_WEIGHT = 1.0
MAX_QUERY_WORDS = 32
# A word in a larger share of the products says little.
COMMON_SHARE = 0.1
COMMON_FLOOR = 2000
_SCHEMA = (
    "CREATE VIRTUAL TABLE words USING fts5(title, other, content='', "
    "tokenize='porter unicode61 remove_diacritics 2')"
)


class LexicalLeg:
    """BM25 of queries and products.

    **Source**: SQLite, FTS5, section 5.1.1: k1 1.2, b .75, the columns' weights on the counts.
    """

    def __init__(self, products: Sequence[ProductText]) -> None:
        """Write the products' words.

        Args:
            products: as in `products.jsonl`, which the server is given.
        """
        self._size = len(products)
        self._counts: dict[str, int] = {}
        self._index = sqlite3.connect(":memory:")
        self._index.execute(_SCHEMA)
        self._index.executemany(
            "INSERT INTO words(rowid, title, other) VALUES(?, ?, ?)",
            ((row, *_columns(product)) for row, product in enumerate(products)),
        )

    def scores(self, query: str) -> NDArray[np.float32]:
        """BM25 of each product, float32 [products]; 0 where no word matches."""
        found = np.zeros(self._size, np.float32)
        match = self._match(query)
        if match:
            rows = self._index.execute(
                "SELECT rowid, -bm25(words, ?, ?) FROM words WHERE words MATCH ?",
                (TITLE_WEIGHT, OTHER_WEIGHT, match),
            ).fetchall()
            found[[row for row, _ in rows]] = [score for _, score in rows]
        return found

    def _match(self, query: str) -> str:
        """Any of the query's words; of several the rare ones, if there are some."""
        parts = list(dict.fromkeys(words(query)))[:MAX_QUERY_WORDS]
        if len(parts) > 1:
            limit = max(COMMON_FLOOR, COMMON_SHARE * self._size)
            parts = [part for part in parts if self._products(part) <= limit] or parts
        return " OR ".join(f'"{part}"' for part in parts)

    def _products(self, word: str) -> int:
        if word not in self._counts:
            counted = "SELECT count(*) FROM words WHERE words MATCH ?"
            self._counts[word] = int(self._index.execute(counted, (f'"{word}"',)).fetchone()[0])
        return self._counts[word]


def over_best(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scores [n] divided by their largest; zeros stay zeros."""
    largest = scores.max(initial=0.0)
    return scores / largest if largest > 0 else scores


def _columns(product: ProductText) -> tuple[str, str]:
    names = " ".join([product.brand, *product.categories])
    texts = [text for given in (product.attributes or {}).values() for text in given]
    other = " ".join([*texts, product.description])
    return " ".join(words(product.title)), " ".join(words(f"{names} {other}"))
