"""The figures as tables on a terminal and as one self-contained page."""

import html
from collections.abc import Iterable, Sequence

from rich.table import Table

from relatum_export.evaluation.agreement import AgreementResult
from relatum_export.evaluation.evaluate import NotJudged
from relatum_export.evaluation.rows import VERSUS, ZERO_SHOT, Row

BAR_WIDTH = 220
STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:72rem;color:#222}"
    "table{border-collapse:collapse;margin:.5rem 0 2rem}th,td{padding:.25rem .7rem;text-align:left;"
    "border-bottom:1px solid #ddd}td.n{text-align:right;font-variant-numeric:tabular-nums}"
    ".bar{fill:#4477aa}.ci{stroke:#222;stroke-width:1.5}.no{color:#a00}"
)


def tables(
    name: str,
    rows: Sequence[Row],
    agreements: Sequence[AgreementResult],
    unjudged: Sequence[NotJudged],
) -> list[Table]:
    """One table of figures, one of the variants' agreement, one of what is not judged."""
    shown = []
    changes = _changes(rows)
    for split in dict.fromkeys(row.split for row in rows):
        main = Table("measure", "system", "value", "95 % CI", "n", "vs zero-shot", box=None)
        main.title = f"{name}, {split}"
        last = ""
        for row in _figures(rows):
            if row.split == split:
                figures = (_short(row.value, 4), _interval(row), str(row.n), _change(changes, row))
                main.add_row("" if row.measure == last else row.measure, row.system, *figures)
                last = row.measure
        shown.append(main)
    if agreements:
        table = Table("split", "measure", "system", "value", "PyTorch", "changed", "agrees")
        table.title = "variants beside PyTorch"
        for a in agreements:
            beside = (f"{a.value:.4f}", f"{a.reference:.4f}", str(a.changed))
            table.add_row(a.split, a.measure, a.system, *beside, "yes" if a.agrees else "NO")
        shown.append(table)
    if unjudged:
        table = Table("table", "reason", title=f"{name}: not judged")
        for left in unjudged:
            table.add_row(left.table, left.reason)
        shown.append(table)
    return shown


def page(
    name: str,
    rows: Sequence[Row],
    agreements: Sequence[AgreementResult],
    unjudged: Sequence[NotJudged],
    notes: Sequence[str],
) -> str:
    """The same as HTML, with a bar for each figure; needs no other file."""
    changes = _changes(rows)
    body = [f"<h1>{html.escape(name)}</h1>"]
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in _figures(rows):
        groups.setdefault((row.split or "", row.measure), []).append(row)
    for (split, measure), group in groups.items():
        body.append(f"<h2>{html.escape(measure)} <small>{html.escape(split)}</small></h2>")
        top = max(max(row.high or row.value, row.value) for row in group) or 1.0
        lines = (
            (
                row.system,
                _cell(f"{row.value:.4f}"),
                _interval(row),
                _bar(row, top),
                row.n,
                _change(changes, row),
            )
            for row in group
        )
        body.append(_table(("system", "value", "95 % CI", "", "n", "vs zero-shot"), lines))
    if agreements:
        body.append("<h2>Variants beside PyTorch</h2>")
        cells = (
            (
                a.split,
                a.measure,
                a.system,
                f"{a.value:.4f}",
                f"{a.reference:.4f}",
                a.changed,
                _verdict(a),
            )
            for a in agreements
        )
        heads = ("split", "measure", "system", "value", "PyTorch", "changed units", "agrees")
        body.append(_table(heads, cells))
    if unjudged:
        body.append("<h2>Not judged</h2>")
        body.append(_table(("table", "reason"), ((u.table, u.reason) for u in unjudged)))
    body.append("<ul>" + "".join(f"<li>{html.escape(note)}</li>" for note in notes) + "</ul>")
    body.append(
        "<p>Intervals: paired bootstrap over queries, shoppers, bundles or pairs, "
        "10,000 resamples.</p>"
    )
    head = f'<meta charset="utf-8"><title>{html.escape(name)}</title><style>{STYLE}</style>'
    return (
        f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(body)}</body></html>\n'
    )


class _Markup(str):
    """Already HTML."""

    __slots__ = ()


def _figures(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if VERSUS not in row.measure]


def _changes(rows: Sequence[Row]) -> dict[tuple[str | None, str, str | None], Row]:
    """Differences to zero-shot by split, measure and system; the rows hold the others too."""
    suffix = f"{VERSUS}{ZERO_SHOT}"
    return {
        (row.split, row.measure.removesuffix(suffix), row.system): row
        for row in rows
        if row.measure.endswith(suffix)
    }


def _change(changes: dict[tuple[str | None, str, str | None], Row], row: Row) -> str:
    found = changes.get((row.split, row.measure, row.system))
    if found is None:
        return ""
    sign = "-" if found.value < 0 else "+"
    return f"{sign}{_short(abs(found.value))} {_interval(found)}"


def _interval(row: Row) -> str:
    if row.low is None or row.high is None:
        return ""
    return f"[{_short(row.low)},{_short(row.high)}]"


def _short(value: float, digits: int = 3) -> str:
    """A share without its leading zero: narrow enough for 80 columns."""
    return f"{value:.{digits}f}".replace("0.", ".", 1)


def _verdict(a: AgreementResult) -> str:
    return "yes" if a.agrees else _Markup('<b class="no">no</b>')


def _cell(text: str) -> _Markup:
    return _Markup(html.escape(text))


def _bar(row: Row, top: float) -> _Markup:
    def x(value: float | None) -> float:
        return BAR_WIDTH * max(value or 0.0, 0.0) / top

    return _Markup(
        f'<svg width="{BAR_WIDTH + 2}" height="16" role="img">'
        f'<rect class="bar" y="2" width="{x(row.value):.1f}" height="12"/>'
        f'<line class="ci" x1="{x(row.low):.1f}" x2="{x(row.high):.1f}" y1="8" y2="8"/></svg>'
    )


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = ["<table><tr>" + "".join(f"<th>{html.escape(head)}</th>" for head in heads) + "</tr>"]
    for row in rows:
        cells = (c if isinstance(c, _Markup) else html.escape(str(c)) for c in row)
        lines.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    return "".join(lines) + "</table>"
