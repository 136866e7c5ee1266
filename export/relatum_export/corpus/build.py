"""Writes a prepared source as a corpus folder."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from relatum_export.console import Reporter
from relatum_export.corpus.prepare import Prepared
from relatum_export.corpus.rejected import RejectedRows
from relatum_export.corpus.report import report_html
from relatum_export.corpus.source import Source
from relatum_export.corpus.wire import event_lines, product_line, ratings
from relatum_export.corpus.writer import CorpusWriter

HELD_OUT = "events.jsonl holds the events of train and valid; those of test are held out."


def build_corpus(
    writer: CorpusWriter,
    reporter: Reporter,
    *,
    source: Source,
    prepared: Prepared,
    rejected: RejectedRows,
    name: str,
) -> Mapping[str, Any]:
    """Write all files and move the folder to its place; returns the content of `corpus.json`."""
    tables = prepared.tables
    with reporter.progress("writing tables", len(tables)) as advance:
        for table in tables:
            writer.table(table, tables[table])
            advance(1)
    types: Counter[str] = Counter()
    notes = list(source.notes)
    if "items" in tables:
        rated = ratings(tables["events"]) if "events" in tables else {}
        with reporter.progress("writing products.jsonl", len(prepared.catalogue)) as advance:
            writer.lines("products.jsonl", _product_lines(prepared, rated, advance))
    if "events" in tables:
        types = Counter(tables["events"]["event_type"].to_pylist())
        reporter.info("writing events.jsonl")
        writer.lines("events.jsonl", event_lines(tables["events"]))
        notes.append(HELD_OUT)
    unpriced = prepared.facts["prices_without_currency"]
    if unpriced:
        notes.append(
            f"{unpriced:,} prices have no currency and are written as XXX; give --currency."
        )
    writer.lines("rejected.jsonl", rejected.lines())
    info = {
        "name": name,
        "languages": dict(prepared.languages),
        "notes": notes,
        "event_types": dict(types.most_common()),
        "pairs": _pair_counts(prepared),
        **prepared.facts,
        "rejected": rejected.summary(),
        "unused": dict(source.unused),
    }
    writer.text(
        "report.html", report_html({**info, "counts": writer.counts, "splits": writer.splits})
    )
    return writer.commit(info)


def _product_lines(
    prepared: Prepared, rated: Mapping[str, tuple[float, int]], advance: Callable[[int], None]
) -> Iterator[str]:
    for product in prepared.catalogue:
        yield product_line(product, rated.get(product.item_id))
        advance(1)


def _pair_counts(prepared: Prepared) -> list[dict[str, Any]]:
    """Rows ``{"kind", "split", "pairs"}``."""
    if "training_pairs" not in prepared.tables:
        return []
    pairs = (
        prepared.tables["training_pairs"].group_by(["kind", "split"]).aggregate([([], "count_all")])
    )
    rows = pairs.sort_by([("kind", "ascending"), ("split", "ascending")]).to_pylist()
    return [{"kind": r["kind"], "split": r["split"], "pairs": r["count_all"]} for r in rows]
