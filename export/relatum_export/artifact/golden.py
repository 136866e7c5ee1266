"""The artifact's own acceptance test: inputs with the outputs that the server must reproduce.

Each line of `golden.jsonl` is
``{"kind": "QUERY" | "DOCUMENT", "text": ..., "vectors": {"int8": [...], "fp32": [...], ...}}``: the
text without prefix, and its vector by variant. Each text was encoded alone, since a vector of
int8 with ranges by the batch depends on its batch-mates. Lines of products also have
``"product": {title, brand, categories, attributes, description}``, whose text in the artifact's
form is ``text``.
"""

import json
from collections.abc import Mapping
from typing import Any

from relatum_export.corpus.text import ProductText, TextForm, render
from relatum_export.training.batching import Kind
from relatum_export.training.encoder import TextEncoder

DECIMALS = 7
# Written for this file; no row of any data set.
QUERIES = (
    "wireless mouse",
    "warm winter coat for children",
    "usb c charger 65w",
    "gluten free pasta",
    "running shoes size 42",
    "无线鼠标",
    "儿童冬季外套",
    "低脂牛奶",
    "咖啡豆 1kg",
    "a",
)
DOCUMENTS = (
    "Quiet wireless mouse with a rechargeable battery",
    "Stainless steel water bottle | 750 ml, keeps drinks cold for a day",
    "Cotton bed sheet set, four pieces, machine washable",
    "Ground coffee, medium roast, 500 g",
    "Garden hose 20 m with brass fittings | Garden > Watering | length: 20 m; material: rubber",
    "可充电静音无线鼠标 | 电脑配件",
    "不锈钢保温杯 500毫升 | 厨房用品",
    "纯棉四件套 床单 被套 可机洗",
    "Mixed 中文 and English: USB-C 数据线 1.5m",
    "An unusually long description. " + "It goes on about colours, sizes and care. " * 12,
)
PRODUCTS = (
    ProductText(title="Desk lamp"),
    ProductText(
        title="Desk  lamp <b>LED</b> &amp; dimmer",
        brand="Lumen Works",
        categories=("Home > Lighting", "Office"),
        attributes={"power": ("9 W",), "colour": ("white", "black")},
        description="<p>A lamp<br/>for\u00a0a desk.</p>" + " Bends every way." * 30,
    ),
    ProductText(title="台灯 护眼 LED", categories=("家居 > 灯具",), attributes={"功率": ("9瓦",)}),
    ProductText(categories=("Grocery > Coffee",), attributes={"size": ("500 g",)}),
    ProductText(title="5 < 6 and 7 > 3", description="Less &lt;than&gt; nothing <!-- hidden -->"),
)


def golden_lines(encoders: Mapping[str, TextEncoder], form: TextForm) -> list[str]:
    """The lines of `golden.jsonl` for the encoders by precision."""
    rows = [_row(encoders, "query", text) for text in QUERIES]
    rows += [_row(encoders, "document", text) for text in DOCUMENTS]
    for product in PRODUCTS:
        text = render(form, product)
        if text:  # a form of titles alone makes nothing of the product without one
            rows.append({"product": _product(product)} | _row(encoders, "document", text))
    return [json.dumps(row, ensure_ascii=False) for row in rows]


def _row(encoders: Mapping[str, TextEncoder], kind: Kind, text: str) -> dict[str, Any]:
    vectors = {
        precision: [round(float(x), DECIMALS) for x in encoder.encode([text], kind=kind)[0]]
        for precision, encoder in encoders.items()
    }
    return {"kind": kind.upper(), "text": text, "vectors": vectors}


def _product(product: ProductText) -> dict[str, Any]:
    return {
        "title": product.title,
        "brand": product.brand,
        "categories": list(product.categories),
        "attributes": {key: list(texts) for key, texts in (product.attributes or {}).items()},
        "description": product.description,
    }
