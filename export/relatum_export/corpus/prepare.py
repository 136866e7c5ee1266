"""From a checked source to the tables of a corpus."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from relatum_export.corpus.attribute_words import without_codes
from relatum_export.corpus.events import normalise_events
from relatum_export.corpus.further import further_splits
from relatum_export.corpus.grouping import with_groups
from relatum_export.corpus.languages import language_of, shares
from relatum_export.corpus.leaks import leaks
from relatum_export.corpus.normalise import normalise
from relatum_export.corpus.pairs import training_pairs
from relatum_export.corpus.product import Product, full_texts, products
from relatum_export.corpus.rejected import ROW, RejectedRows
from relatum_export.corpus.schema import FURTHER_ANSWERS, SPLITS
from relatum_export.corpus.source import Source
from relatum_export.corpus.splits import by_hash, by_time, split_times
from relatum_export.errors import InputError

# The table and column whose language stands for the corpus, first that is there.
LANGUAGE_OF = (
    ("items", "title"),
    ("queries", "query"),
    ("faq", "question"),
    ("reviews", "review_text"),
)


@dataclass(frozen=True, slots=True)
class Prepared:
    """All that is written into a corpus folder, and the facts of its report."""

    tables: Mapping[str, pa.Table]
    catalogue: Sequence[Product]
    languages: Mapping[str, float]
    facts: Mapping[str, Any]


def prepare_tables(
    source: Source, *, group_by: str, currency: str, rejected: RejectedRows
) -> Prepared:
    """Groups, splits, events in the API's words, training pairs, leaks.

    Raises:
        InputError: nothing is left that could be served, trained or judged.
    """
    tables = dict(source.tables)
    catalogue: list[Product] = []
    left_out: dict[str, dict[str, int]] = {}
    currency = currency or source.mapping.currency
    if "items" in tables:
        items = with_groups(tables["items"], group_by)
        made = products(items, currency, source.mapping.category_separator)
        bare = np.fromiter((not product.has_text for product in made), bool, len(made))
        reason = "has no text: it needs a title, a category or an attribute"
        rejected.add_mask("items", items, bare, reason)
        tables["items"] = _item_splits(items.filter(pa.array(~bare)))
        catalogue, left_out = without_codes([product for product in made if product.has_text])
        if not catalogue:
            raise InputError(f"{source.name}: no item has a title, a category or an attribute")
    if "events" in tables:
        tables["events"] = normalise_events(tables["events"], source, rejected)
        if not tables["events"].num_rows:
            raise InputError(
                f"{source.name}: none of the events can be used; most often: "
                f"{rejected.worst('events')}"
            )
    _fill_splits(tables, source)
    pairs, pairs_left_out = training_pairs(tables, catalogue)
    tables.pop(FURTHER_ANSWERS, None)
    if pairs.num_rows:
        tables["training_pairs"] = pairs
    texts = full_texts(catalogue)
    facts = {
        "leaks": leaks(tables, texts),
        "pairs_left_out": pairs_left_out,
        "attribute_values_left_out": left_out,
        "duplicates": _duplicates(catalogue, texts),
        "unknown_items": _unknown_items(tables, catalogue),
        "prices_without_currency": sum(
            product.price is not None and not product.currency for product in catalogue
        ),
    }
    tables = {name: _without_row(table) for name, table in tables.items()}
    return Prepared(tables, catalogue, _languages(tables), facts)


def _without_row(table: pa.Table) -> pa.Table:
    return table.drop_columns([ROW]) if ROW in table.column_names else table


def _item_splits(items: pa.Table) -> pa.Table:
    """Items keep ``split`` only where the source gives one; gaps are filled by a hash."""
    if items["split"].null_count == items.num_rows:
        return items.drop_columns(["split"])
    return _coalesce(items, by_hash(items["group_id"].to_pylist()))


def _coalesce(table: pa.Table, splits: Sequence[str | None]) -> pa.Table:
    filled = pc.coalesce(table["split"], pa.array(splits, pa.string()))
    return table.set_column(table.column_names.index("split"), "split", filled)


def _fill_splits(tables: dict[str, pa.Table], source: Source) -> None:
    """Fill ``split`` of every table but items and events, in place.

    Judgments and candidates go with their query, and queries with their judgments; further
    questions with those that are judged.
    """
    by_query: dict[str, str] = {}
    for name in ("queries", "judgments", "candidates"):
        if name in tables:
            rows = zip(*(tables[name][c].to_pylist() for c in ("query_id", "split")), strict=True)
            for query, split in rows:
                if split:
                    by_query.setdefault(query, split)
    texts: dict[str, str] = {}
    if "queries" in tables:
        columns = (tables["queries"][c].to_pylist() for c in ("query_id", "query"))
        texts = dict(zip(*columns, strict=True))
    for name in ("queries", "judgments", "candidates"):
        if name in tables and tables[name]["split"].null_count:
            ids = tables[name]["query_id"].to_pylist()
            hashed = by_hash(normalise(texts.get(query, query)) for query in ids)
            splits = [by_query.get(q, s) for q, s in zip(ids, hashed, strict=True)]
            tables[name] = _coalesce(tables[name], splits)
    for name, column in (("faq", "question"), ("reviews", "review_text"), ("cases", "target")):
        if name in tables and tables[name]["split"].null_count:
            keys = (normalise(text) for text in tables[name][column].to_pylist())
            tables[name] = _coalesce(tables[name], by_hash(keys))
    if FURTHER_ANSWERS in tables:
        further = tables[FURTHER_ANSWERS]
        splits = pa.array(further_splits(further, _judged_questions(tables)), pa.string())
        at = further.column_names.index("split")
        tables[FURTHER_ANSWERS] = further.set_column(at, "split", splits)
    if "pairs" in tables and tables["pairs"]["split"].null_count:
        sides = (tables["pairs"][c].to_pylist() for c in ("item_id_a", "item_id_b"))
        keys = (min(a, b) for a, b in zip(*sides, strict=True))
        tables["pairs"] = _coalesce(tables["pairs"], by_hash(keys))
    if "bundles" in tables and tables["bundles"]["split"].null_count:
        tables["bundles"] = _coalesce(tables["bundles"], _bundle_splits(tables["bundles"], source))


def _judged_questions(tables: Mapping[str, pa.Table]) -> dict[str, str]:
    """By each question that a protocol asks, normalised, the latest split that asks it."""
    found: dict[str, str] = {}
    for name, column in (("queries", "query"), ("faq", "question")):
        if name in tables:
            rows = (tables[name][c].to_pylist() for c in (column, "split"))
            for text, split in zip(*rows, strict=True):
                key = normalise(text)
                found[key] = max(found.get(key, split), split, key=SPLITS.index)
    return found


def _bundle_splits(bundles: pa.Table, source: Source) -> list[str]:
    if not bundles["timestamp"].null_count:
        times = bundles["timestamp"].to_pandas()
        bounds = source.split_times or split_times(times)
        if bounds:
            return list(by_time(times, bounds))
    return by_hash("|".join(sorted(items)) for items in bundles["items"].to_pylist())


def _languages(tables: Mapping[str, pa.Table]) -> dict[str, float]:
    for name, column in LANGUAGE_OF:
        if name in tables:
            rows = zip(*(tables[name][c].to_pylist() for c in ("lang", column)), strict=True)
            return shares([language_of(lang, text or "") for lang, text in rows])
    return {}


def _duplicates(catalogue: Sequence[Product], texts: Mapping[str, str]) -> dict[str, int]:
    return {
        "items": len(catalogue),
        "groups": len({product.group_id for product in catalogue}),
        "distinct_texts": len(set(texts.values())),
    }


def _unknown_items(tables: Mapping[str, pa.Table], catalogue: Sequence[Product]) -> dict[str, int]:
    """Rows by table that name an item which is not in the catalogue."""
    if not catalogue:
        return {}
    known = pa.array([product.item_id for product in catalogue], pa.string())
    found = {}
    for name in ("events", "judgments", "reviews"):
        if name in tables:
            column = tables[name]["item_id"]
            lost = pc.and_(pc.is_valid(column), pc.invert(pc.is_in(column, known)))
            found[name] = int(pc.sum(lost).as_py() or 0)
    return {name: count for name, count in found.items() if count}
