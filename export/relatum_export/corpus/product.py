"""A row of `items` as a product: its text for the encoder and its message for the wire.

Both come from the same parts, so that the text made here equals the one the server makes of the
message.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import pyarrow as pa

from relatum_export.corpus.text import FULL, ProductText, TextForm, render

MAX_TITLE_BYTES = 4_096
MAX_DESCRIPTION_BYTES = 65_536
MAX_VALUE_BYTES = 1_024  # brand, each category, each word of an attribute
MAX_KEY_BYTES = 128
MAX_ATTRIBUTES = 64
MAX_VALUES = 64
MAX_URI_BYTES = 2_048
NOT_ATTRIBUTES = ("currency",)  # travels with the price

Attributes: TypeAlias = dict[str, tuple[list[str], list[float]]]  # words and numbers by name


@dataclass(frozen=True, slots=True)
class Product:
    """The parts of one item, within the limits of the API."""

    item_id: str
    title: str
    description: str
    brand: str
    categories: Sequence[str]
    attributes: Mapping[str, tuple[list[str], list[float]]]
    price: float | None
    currency: str
    image_uris: Sequence[str]
    lang: str
    group_id: str

    @property
    def text(self) -> ProductText:
        """What can enter the encoder's text: of the attributes, those with words."""
        words = {key: texts for key, (texts, _) in self.attributes.items() if texts}
        return ProductText(self.title, self.description, self.brand, self.categories, words)

    @property
    def has_text(self) -> bool:
        """Whether it has a title, a category or an attribute."""
        return bool(self.title or self.categories or self.attributes)


def products(items: pa.Table, currency: str, category_separator: str) -> list[Product]:
    """Each row of ``items`` as a product, in order."""
    names = ("item_id", "title", "description", "brand", "category", "attributes", "price")
    columns = items.select([*names, "image_url", "lang", "group_id"]).to_pylist()
    return [_product(row, currency, category_separator) for row in columns]


def full_texts(of: Sequence[Product], form: TextForm = FULL) -> dict[str, str]:
    """The encoder's text by item id."""
    return {product.item_id: render(form, product.text) for product in of}


def _product(row: Mapping[str, Any], currency: str, separator: str) -> Product:
    raw = json.loads(row["attributes"]) if row["attributes"] else {}
    category = row["category"] or ""
    if separator:
        parts = (part.strip() for part in category.split(separator))
        category = " > ".join(part for part in parts if part)
    image = row["image_url"] or ""
    return Product(
        item_id=row["item_id"],
        title=cut(row["title"], MAX_TITLE_BYTES),
        description=cut(row["description"], MAX_DESCRIPTION_BYTES),
        brand=cut(row["brand"], MAX_VALUE_BYTES),
        categories=(cut(category, MAX_VALUE_BYTES),) if category else (),
        attributes=attributes(raw),
        price=row["price"],
        currency=currency or str(raw.get("currency") or ""),
        image_uris=(image,) if image and len(image.encode()) <= MAX_URI_BYTES else (),
        lang=row["lang"] or "",
        group_id=row["group_id"] or "",
    )


def attributes(raw: Mapping[str, Any]) -> Attributes:
    """Words and numbers by name; nested objects are no facts a shopper reads and are left out."""
    found: Attributes = {}
    for key, value in raw.items():
        if key in NOT_ATTRIBUTES or not 1 <= len(key.encode()) <= MAX_KEY_BYTES:
            continue
        words: list[str] = []
        numbers: list[float] = []
        for single in value if isinstance(value, list) else [value]:
            if isinstance(single, bool):
                words.append(str(single).lower())
            elif isinstance(single, int | float):
                if math.isfinite(single):
                    numbers.append(float(single))
            elif isinstance(single, str) and single.strip("\x00 \t\r\n"):
                words.append(cut(single.replace("\x00", " ").strip(), MAX_VALUE_BYTES))
        if (words or numbers) and len(found) < MAX_ATTRIBUTES:
            found[key] = (words[:MAX_VALUES], numbers[:MAX_VALUES])
    return found


def cut(text: str | None, max_bytes: int) -> str:
    """At most ``max_bytes`` of UTF-8, cut between characters."""
    if not text:
        return ""
    if len(text) * 4 <= max_bytes:
        return text
    return text.encode("utf-8")[:max_bytes].decode("utf-8", "ignore")
