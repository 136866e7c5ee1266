"""The words of products, as the lexical index takes them."""

from collections.abc import Sequence

from relatum_server.domain import Product
from relatum_server.index.base import LexicalDocument


def documents(keys: Sequence[int], products: Sequence[Product]) -> list[LexicalDocument]:
    """One of each product: its title, its brand and categories, and all its other words."""
    return [
        LexicalDocument(key, p.title, " ".join([p.brand, *p.categories]), _other_text(p))
        for key, p in zip(keys, products, strict=True)
    ]


def _other_text(product: Product) -> str:
    words = [value for a in product.attributes.values() for value in a.text]
    return " ".join([*words, product.description])
