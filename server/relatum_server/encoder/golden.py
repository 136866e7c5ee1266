"""The artifact's golden inputs: texts and products with what the export side made of them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from relatum_server.artifact import TextForm
from relatum_server.domain import Attribute, Product
from relatum_server.encoder.text import render
from relatum_server.errors import ArtifactError


@dataclass(frozen=True, slots=True)
class GoldenText:
    """A text without prefix, and the vector (float32 [dimension]) of each precision at export."""

    kind: Literal["QUERY", "DOCUMENT"]
    text: str
    vectors: Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class GoldenProduct:
    """A product and the text that it was rendered to at export."""

    product: Product
    text: str


def read_golden(
    path: Path, dimension: int
) -> tuple[tuple[GoldenText, ...], tuple[GoldenProduct, ...]]:
    """The lines of `golden.jsonl`: those with vectors and those with a product.

    Raises:
        ArtifactError: A line is something else, or there is no text with vectors.
    """
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        texts = tuple(_text(line) for line in lines if "product" not in line)
        products = tuple(
            GoldenProduct(_product(line["product"]), line["text"])
            for line in lines
            if "product" in line
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ArtifactError(
            f"{path}: not golden inputs ({error!r}); export the artifact again"
        ) from error
    shapes = {vector.shape for text in texts for vector in text.vectors.values()}
    if shapes != {(dimension,)}:
        raise ArtifactError(
            f"{path}: needs golden texts with vectors of {dimension} numbers, has {shapes or 0}; "
            "export the artifact again"
        )
    return texts, products


def check_rendering(form: TextForm, products: tuple[GoldenProduct, ...]) -> None:
    """Whether this server lays products out as the export side does.

    Raises:
        ArtifactError: A product renders to another text.
    """
    for golden in products:
        rendered = render(form, golden.product)
        if rendered != golden.text:
            raise ArtifactError(
                f"a golden product renders to {rendered!r}, at export it was {golden.text!r}; "
                "export again with the server's version of relatum"
            )


def _text(line: dict[str, Any]) -> GoldenText:
    if line["kind"] not in {"QUERY", "DOCUMENT"}:
        raise ValueError(f"kind {line['kind']!r}")
    return GoldenText(
        kind=cast("Literal['QUERY', 'DOCUMENT']", line["kind"]),
        text=line["text"],
        vectors={p: np.array(v, dtype=np.float32) for p, v in line["vectors"].items()},
    )


def _product(fields: dict[str, Any]) -> Product:
    return Product(
        id="golden",
        title=fields["title"],
        description=fields["description"],
        brand=fields["brand"],
        categories=tuple(fields["categories"]),
        attributes={name: Attribute(text=tuple(v)) for name, v in fields["attributes"].items()},
    )
