"""The catalogue's products as text, read from the lines that the server will be given."""

import json
from dataclasses import dataclass

from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.text import ProductText, TextForm, render
from relatum_export.errors import InputError


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Products in the corpus's order.

    Attributes:
        ids: item ids.
        products: the parts that can enter a text, one an id.
        variants: the group of each product, one an id; empty where nobody grouped them.
    """

    ids: tuple[str, ...]
    products: tuple[ProductText, ...]
    variants: tuple[str, ...] = ()

    @classmethod
    def read(cls, corpus: Corpus) -> "Catalogue":
        """Read `products.jsonl`, so that export and server see the same product.

        Raises:
            InputError: the corpus has no products.
        """
        file = corpus.path / "products.jsonl"
        if not file.is_file():
            raise InputError(f"{file} is missing; run `relatum-export prepare` again")
        ids, products, variants = [], [], []
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                product = json.loads(line)
                ids.append(product["id"])
                products.append(_product_text(product))
                variants.append(str(product.get("groupId") or product["id"]))
        if not ids:
            raise InputError(f"{file} is empty: the corpus has no product")
        return cls(tuple(ids), tuple(products), tuple(variants))

    @property
    def groups(self) -> tuple[str, ...]:
        """The group of each product; its own id where it is alone."""
        return self.variants or self.ids

    def texts(self, form: TextForm) -> list[str]:
        """Each product as the encoder sees it; "" where it has no text in this form."""
        return [render(form, product) for product in self.products]


def _product_text(product: dict[str, object]) -> ProductText:
    attributes = product.get("attributes") or {}
    categories = product.get("categories") or []
    if not isinstance(attributes, dict) or not isinstance(categories, list):
        raise InputError(f"product {product.get('id')} of products.jsonl is malformed")
    return ProductText(
        title=str(product.get("title") or ""),
        description=str(product.get("description") or ""),
        brand=str(product.get("brand") or ""),
        categories=[str(category) for category in categories],
        attributes={
            str(key): [str(text) for text in value.get("text", [])]
            for key, value in attributes.items()
            if value.get("text")  # numbers are filters, not words
        },
    )
