"""Results of the commands, as tables and as JSON."""

import dataclasses
import json
from argparse import Namespace
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from relatum.pairs import AssociationScores
from relatum.tables import table
from relatum.types import Evidence, Product, RankedList, Result


def show(args: Namespace, value: Any, text: Callable[[Any], str]) -> None:
    """Print a result: as JSON if asked, else as `text` makes of it."""
    if args.json:
        print(json.dumps(plain(value), ensure_ascii=False, indent=2))  # noqa: T201 - the result
    else:
        print(text(value))  # noqa: T201 - the result


def plain(value: Any) -> Any:
    """A value as JSON can write it: bytes as hex, times in ISO 8601."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return value.hex() if isinstance(value, bytes) else value


def ranked(found: RankedList) -> str:
    """A ranked list, or several, with facets and unknown ids."""
    blocks = [f"searched for: {found.corrected_query}"] if found.corrected_query else []
    blocks += [_results(found.results)] if not found.lists else []
    blocks += [f"{one.product_id}\n{_results(one.results)}" for one in found.lists]
    blocks += [
        table([facet.column, "count"], [(value.value, value.count) for value in facet.values])
        for facet in found.facets
    ]
    if found.missing_product_ids:
        blocks.append(f"unknown: {', '.join(found.missing_product_ids)}")
    return "\n\n".join(blocks) + more(found.next_page_token)


def scored(names: Sequence[str], found: AssociationScores) -> str:
    """What each of some products is to another: a column a class, and the facts."""
    classes = [name for score in found.scores for name in score.probabilities]
    columns = list(dict.fromkeys(classes))
    rows = [
        (
            name,
            *(score.probabilities.get(column, "") for column in columns),
            ", ".join(f"{one.kind.lower()} {one.contribution:+.2f}" for one in score.evidence),
        )
        for name, score in zip(names, found.scores, strict=False)
    ]
    text = table(["product", *map(str.lower, columns), "facts"], rows)
    missing = found.missing_product_ids
    return f"{text}\nunknown: {', '.join(missing)}" if missing else text


def _results(lines: tuple[Result, ...]) -> str:
    if not lines:
        return "no products"
    rows = [
        (rank, line.product_id, *facts(line.product), line.score, _why(line.evidence))
        for rank, line in enumerate(lines, 1)
    ]
    columns = ("#", "id", "title", "brand", "category", "price", "score", "because")
    # A shop without brands or prices needs no columns for them.
    kept = [n for n in range(len(columns)) if any(row[n] != "" for row in rows)]
    return table([columns[n] for n in kept], [[row[n] for n in kept] for row in rows])


def facts(product: Product | None) -> tuple[str, str, str, str]:
    """Title, brand, categories and price."""
    if product is None:
        return "", "", "", ""
    price = f"{product.price.amount} {product.price.currency}" if product.price else ""
    return product.title, product.brand, "; ".join(product.categories), price


def _why(evidence: tuple[Evidence, ...]) -> str:
    strongest = sorted(evidence, key=lambda part: -abs(part.contribution))[:2]
    return ", ".join(f"{part.kind.lower()} {part.contribution:+.2f}" for part in strongest)


def more(token: str) -> str:
    """How to get the next page."""
    return f"\nmore: --page-token {token}" if token else ""
