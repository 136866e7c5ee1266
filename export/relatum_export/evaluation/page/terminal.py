"""The figures as tables on a terminal."""

from collections.abc import Sequence

from rich.table import Table

from relatum_export.evaluation.agreement import AgreementResult
from relatum_export.evaluation.evaluate import NotJudged
from relatum_export.evaluation.rows import VERSUS, ZERO_SHOT, Row


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
    sign = "-" if value < 0 else ""
    return sign + f"{abs(value):.{digits}f}".removeprefix("0")
