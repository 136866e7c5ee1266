"""How a product becomes the text that is encoded, by the rules of manifest.proto's TextForm.

The export side holds the same rules in code of its own; the artifact's golden products show at
start whether the two still agree.
"""

import html
import re

from relatum_server.artifact import TextForm
from relatum_server.domain import Product

_TAG = re.compile(r"</?[a-zA-Z][^<>]*>|<!--.*?-->", re.DOTALL)


def clean(text: str) -> str:
    """Take HTML out and make white space single blanks."""
    return " ".join(html.unescape(_TAG.sub(" ", text)).split())


def render(form: TextForm, product: Product) -> str:
    """The product as the encoder sees it, without the model's prefix; "" if it has no text."""
    parts = []
    for field in form.fields:
        text = clean(_field_text(product, field.name))
        if field.max_chars:
            text = text[: field.max_chars].rstrip()
        if text:
            parts.append(text)
    return form.separator.join(parts)


def _field_text(product: Product, name: str) -> str:
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
            words = sorted((key, a.text) for key, a in product.attributes.items() if a.text)
            return "; ".join(f"{key}: {', '.join(values)}" for key, values in words)
        case _:  # load_artifact admits no other name
            raise ValueError(f"no product field is named {name!r}")
