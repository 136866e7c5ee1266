"""The report of a corpus: one self-contained HTML page."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
body{color:#1c2430}
h1{margin-bottom:0}h2{margin-top:2rem;border-bottom:1px solid #d5dbe3}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #e8ecf1}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}p.s{color:#5b6675}
.bar{background:#dfe7f2;height:.7rem;border-radius:.2rem}
.bar i{display:block;height:100%;background:#3567b0;border-radius:.2rem}
"""


def report_html(info: Mapping[str, Any]) -> str:
    """The page for the facts of ``corpus.json``."""
    name = escape(info["name"])
    parts = [
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Corpus {name}</title>',
        f"<style>{_STYLE}</style></head><body><h1>Corpus {name}</h1>",
        *(f'<p class="s">{escape(note)}</p>' for note in info["notes"]),
        _counts(info["counts"], info["splits"]),
        _languages(info["languages"]),
        _section(
            "Products",
            ("what", "number"),
            [(key.replace("_", " "), n) for key, n in info["duplicates"].items()],
            "Products of one group share their normalised text; equal texts are encoded once.",
        ),
        _section("Event types", ("type", "events"), info["event_types"].items()),
        _section(
            "Training pairs",
            ("kind", "split", "pairs"),
            [(row["kind"], row["split"], row["pairs"]) for row in info["pairs"]],
        ),
        _section("Pairs left out", ("reason", "pairs"), info["pairs_left_out"].items()),
        _section(
            "Attribute values that are no words",
            ("attribute", "reason", "values"),
            [
                (key, reason, n)
                for key, reasons in info["attribute_values_left_out"].items()
                for reason, n in reasons.items()
            ],
            "Left out of the products; numbers written as text became numbers.",
        ),
        _section(
            "Texts in more than one split",
            ("table", "splits", "equal", "nearly equal"),
            [(r["table"], r["between"], r["equal"], r["near"]) for r in info["leaks"]],
            "Distinct texts; nearly equal: the same set of words in another order or number.",
        ),
        _section(
            "Rows that name a product outside the catalogue",
            ("table", "rows"),
            info["unknown_items"].items(),
        ),
        _section(
            "Rejected rows",
            ("table", "reason", "rows"),
            [(r["table"], r["reason"], r["rows"]) for r in info["rejected"]],
            "The rows stand in rejected.jsonl.",
        ),
        _section("Files without a protocol", ("file", "reason"), info["unused"].items()),
        "</body></html>\n",
    ]
    return "\n".join(part for part in parts if part)


def _counts(counts: Mapping[str, int], splits: Mapping[str, Mapping[str, int]]) -> str:
    rows = [
        (
            name,
            n,
            *(
                (splits[name][s] for s in ("train", "valid", "test"))
                if name in splits
                else ("",) * 3
            ),
        )
        for name, n in counts.items()
    ]
    return _section("Tables", ("table", "rows", "train", "valid", "test"), rows)


def _languages(languages: Mapping[str, float]) -> str:
    rows = "".join(
        f'<tr><td>{escape(code)}</td><td class="n">{share:.1%}</td><td style="width:60%">'
        f'<div class="bar"><i style="width:{share:.1%}"></i></div></td></tr>'
        for code, share in languages.items()
    )
    note = "By the source's own code, else by script; Latin letters count as English."
    return f'<h2>Languages</h2><p class="s">{note}</p><table>{rows}</table>' if rows else ""


def _section(title: str, head: Sequence[str], rows: Iterable[Sequence[Any]], note: str = "") -> str:
    """A heading and a table; nothing without rows."""
    body = "".join(f"<tr>{''.join(_cell(value) for value in row)}</tr>" for row in rows)
    if not body:
        return ""
    said = f'<p class="s">{escape(note)}</p>' if note else ""
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    return f"<h2>{escape(title)}</h2>{said}<table><tr>{top}</tr>{body}</table>"


def _cell(value: Any) -> str:
    if isinstance(value, int):
        return f'<td class="n">{value:,}</td>'
    return f"<td>{escape(str(value))}</td>"
