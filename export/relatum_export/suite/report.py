"""What all sets came to: one file of rows, one page, one table."""

import html
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.table import Table

from relatum_export.evaluation.page.document import environment
from relatum_export.suite.required import reached, with_required

SYSTEM = "relatum"
Rows = list[dict[str, Any]]


def merge(file: Path, judged: Mapping[str, Rows]) -> Rows:
    """Put the rows of sets judged now in the place of theirs, and keep those of other sets.

    Args:
        file: of all rows, a JSON list; written anew.
        judged: rows by set.
    """
    kept: Rows = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []
    rows = [row for row in kept if row["set"] not in judged]
    rows += [row for name in sorted(judged) for row in with_required(judged[name])]
    rows.sort(key=lambda row: row["set"] or "")  # stable: the order within a set stays
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return rows


def table(rows: Rows) -> Table:
    """The figures that something is required of, and whether it is reached."""
    shown = Table("figure", "value", "95 % CI", "required", "", title="the shipped artifacts")
    for row in rows:
        if row["required"] is not None:
            interval = "" if row["low"] is None else f"{row['low']:.4f} .. {row['high']:.4f}"
            mark = "reached" if reached(row) else "MISSED"
            shown.add_row(
                row["name"], f"{row['value']:.4f}", interval, f"{row['required']:g}", mark
            )
    return shown


def page(rows: Rows) -> str:
    """One page without outside addresses: what is required, then each set's own figures."""
    style = environment().get_template("style.css").render()
    parts = [
        f"<!doctype html><meta charset=utf-8><title>relatum: all sets</title><style>{style}</style>"
    ]
    parts.append("<h1>relatum on all sets</h1><h2>Required</h2>")
    parts.append(_rows_table([row for row in rows if row["required"] is not None]))
    for name in sorted({str(row["set"]) for row in rows}):
        parts.append(f"<h2 id={html.escape(name)}>{html.escape(name)}</h2>")
        parts.append(f"<p><a href='{html.escape(name)}/report.html'>its own page</a></p>")
        parts.append(_rows_table([row for row in rows if row["set"] == name]))
    return "\n".join(parts) + "\n"


def _rows_table(rows: Rows) -> str:
    lines = ["<table><tr><th>split<th>measure<th>system<th>value<th>95 % CI<th>n<th>required</tr>"]
    for row in rows:
        interval = "" if row["low"] is None else f"{row['low']:.4f} .. {row['high']:.4f}"
        required = "" if row["required"] is None else f"{row['required']:g}"
        missed = " class=no" if row["required"] is not None and not reached(row) else ""
        cells = [str(row[key] or "") for key in ("split", "measure", "system")]
        lines.append(
            f"<tr{missed}>"
            + "".join(f"<td>{html.escape(cell)}" for cell in cells)
            + f"<td class=n>{row['value']:.4f}<td>{interval}<td class=n>{row['n'] or ''}"
            + f"<td class=n>{required}</tr>"
        )
    return "\n".join([*lines, "</table>"])
