"""How a product becomes one line of text for the encoder.

The server renders its own catalogue, so the rules stand in the manifest (which fields, in which
order, how much of each) and here and in the server as code; `golden.jsonl` holds products too, so
an artifact whose two renderings differ is refused at start.

Rules: HTML tags become blanks and entities their characters; runs of white space become one
blank; each field is cut to its limit of characters (0: whole); empty fields are left out.
"""

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_TAG = re.compile(r"</?[a-zA-Z][^<>]*>|<!--.*?-->", re.DOTALL)


@dataclass(frozen=True, slots=True)
class TextField:
    """One field of the form: title, brand, categories, attributes or description."""

    name: str
    max_chars: int = 0


@dataclass(frozen=True, slots=True)
class TextForm:
    """Which fields enter the text, in order, and what stands between them."""

    name: str
    fields: tuple[TextField, ...]
    separator: str = " | "


TITLE = TextForm("title", (TextField("title"),))
TITLE_DESCRIPTION = TextForm(
    "title+description", (TextField("title"), TextField("description", 300))
)
FULL = TextForm(
    "full",
    (
        TextField("title"),
        TextField("brand"),
        TextField("categories", 120),
        TextField("attributes", 200),
        TextField("description", 300),
    ),
)
SHELF = TextForm("title+category", (TextField("title"), TextField("categories", 120)))
FORMS: Mapping[str, TextForm] = {f.name: f for f in (TITLE, TITLE_DESCRIPTION, SHELF, FULL)}


@dataclass(frozen=True, slots=True)
class ProductText:
    """The parts of a product that can enter its text."""

    title: str = ""
    description: str = ""
    brand: str = ""
    categories: Sequence[str] = ()
    attributes: Mapping[str, Sequence[str]] | None = None


def clean(text: str) -> str:
    """Take HTML out and make white space single blanks."""
    return " ".join(html.unescape(_TAG.sub(" ", text)).split())


def render(form: TextForm, product: ProductText) -> str:
    """The product as the encoder sees it, without the model's prefix; "" if it has no text."""
    parts = []
    for field in form.fields:
        text = clean(_value(product, field.name))
        if field.max_chars:
            text = text[: field.max_chars].rstrip()
        if text:
            parts.append(text)
    return form.separator.join(parts)


def _value(product: ProductText, name: str) -> str:
    match name:
        case "title":
            return product.title
        case "brand":
            return product.brand
        case "description":
            return product.description
        case "categories":
            return "; ".join(product.categories)
        case "attributes":
            pairs = sorted((product.attributes or {}).items())
            return "; ".join(f"{key}: {', '.join(values)}" for key, values in pairs if values)
        case _:
            raise ValueError(f"no product field is named {name!r}")
