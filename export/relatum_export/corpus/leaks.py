"""What occurs in more than one split: equal and nearly equal texts, counted for the report."""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any

import pyarrow as pa

from relatum_export.corpus.normalise import normalise, token_set
from relatum_export.corpus.schema import SPLITS

# Column by table whose equality across splits lets a model see the answer.
TEXT_COLUMNS = {
    "queries": "query",
    "faq": "question",
    "reviews": "review_text",
    "items": "title",
}


def leaks(tables: Mapping[str, pa.Table], texts: Mapping[str, str]) -> list[dict[str, Any]]:
    """Rows ``{"table", "between", "equal", "near"}`` where two splits of a table share texts.

    ``equal`` counts distinct normalised texts in both splits; ``near`` those beyond them whose
    sets of words (of Chinese and Japanese, of characters) are equal. Pairs compare the two
    products' texts, bundles their sets of products.
    """
    found: list[dict[str, Any]] = []
    for table, column in TEXT_COLUMNS.items():
        if table in tables and "split" in tables[table].column_names:
            values = tables[table][column].to_pylist()
            found += _between(table, values, tables[table]["split"].to_pylist())
    if "pairs" in tables:
        pairs = tables["pairs"]
        both = zip(pairs["item_id_a"].to_pylist(), pairs["item_id_b"].to_pylist(), strict=True)
        values = ["\n".join(sorted((texts.get(a, a), texts.get(b, b)))) for a, b in both]
        found += _between("pairs", values, pairs["split"].to_pylist())
    if "bundles" in tables:
        values = ["\n".join(sorted(set(items))) for items in tables["bundles"]["items"].to_pylist()]
        found += _between("bundles", values, tables["bundles"]["split"].to_pylist())
    return found


def _between(
    table: str, values: Sequence[str | None], splits: Sequence[str]
) -> list[dict[str, Any]]:
    equal = _by_split(values, splits, normalise)
    near = _by_split(values, splits, token_set)
    rows = []
    for one, other in combinations(SPLITS, 2):
        same = len(equal[one] & equal[other])
        alike = len(near[one] & near[other])
        if same or alike:
            row = {"table": table, "between": f"{one}/{other}", "equal": same}
            rows.append({**row, "near": max(0, alike - same)})
    return rows


def _by_split(
    values: Sequence[str | None], splits: Sequence[str], form: Callable[[str], str]
) -> dict[str, set[str]]:
    sets: dict[str, set[str]] = {split: set() for split in SPLITS}
    for value, split in zip(values, splits, strict=True):
        if value:
            sets[split].add(form(value))
    return sets
