"""What all sets came to: one file of rows, one page, one table."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Column, Table

from relatum_export.atomic_file import write_text
from relatum_export.evaluation.page.document import sections
from relatum_export.evaluation.page.environment import environment
from relatum_export.evaluation.page.plots import WIDTH
from relatum_export.evaluation.rows import OWN, VERSUS, ZERO_SHOT, Row
from relatum_export.evaluation.slices import is_slice
from relatum_export.suite.required import with_required
from relatum_export.suite.verdicts import Verdict

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Step:
    """A set's first figure before and after training, on a scale of 0 to 1 in px.

    Attributes:
        label: set, split and measure.
        before: zero-shot.
        after: relatum.
        change: the difference as text with its interval.
    """

    label: str
    before: float
    after: float
    change: str

    @property
    def left(self) -> float:
        """Where zero-shot lies, px."""
        return WIDTH * min(self.before, 1.0)

    @property
    def right(self) -> float:
        """Where relatum lies, px."""
        return WIDTH * min(self.after, 1.0)


@dataclass(frozen=True, slots=True)
class Beside:
    """A table of the page that another command made.

    Attributes:
        title: its heading.
        note: what its figures are.
        heads: of the columns.
        lines: of texts, one a column.
    """

    title: str
    note: str
    heads: Sequence[str]
    lines: Sequence[Sequence[str]]

    def markdown(self) -> str:
        """Heading, note and table."""
        lines = [self.heads, ["---"] * len(self.heads), *self.lines]
        cells = (
            "| " + " | ".join(cell.replace("|", "\\|") for cell in one) + " |" for one in lines
        )
        return f"## {self.title}\n\n{self.note}\n\n" + "\n".join(cells) + "\n"

    def table(self) -> Table:
        """For the terminal."""
        shown = _whole(self.title, *self.heads)
        for line in self.lines:
            shown.add_row(*line)
        return shown


def write_beside(home: Path, lines: Sequence[Mapping[str, Any]], shown: Beside) -> None:
    """Write a table as `table.json` for programs and as `table.md` for people.

    Args:
        home: folder.
        lines: of the table, for JSON.
        shown: the same.
    """
    write_text(home / "table.json", json.dumps(lines, indent=1) + "\n")
    write_text(home / "table.md", shown.markdown())


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
    write_text(file, json.dumps(rows, ensure_ascii=False, indent=1) + "\n")
    return rows


def join(file: Path, rows: Rows) -> Rows:
    """Put rows beside those of their sets, in the place of any of the same name; returns all.

    Args:
        file: of all rows, a JSON list; written anew.
        rows: of other systems on sets that are judged there, or of other sets.
    """
    kept: Rows = json.loads(file.read_text(encoding="utf-8"))
    if not rows:
        return kept
    names = {row["name"] for row in rows}
    found = [row for row in kept if row["name"] not in names] + with_required(rows)
    found.sort(key=lambda row: row["set"] or "")  # stable: the order within a set stays
    write_text(file, json.dumps(found, ensure_ascii=False, indent=1) + "\n")
    return found


def table(found: Sequence[Verdict]) -> Table:
    """What is required, with what was measured of it."""
    shown = _whole("the shipped artifacts", "figure", "value", "95 % CI", "required", "wanted", "")
    for one in found:
        if one.value is None:
            shown.add_row(one.label, "", "", one.required, one.wanted, "not measured")
            continue
        interval = "" if one.low is None else f"{one.low:.4f} .. {one.high:.4f}"
        mark = ("wanted" if one.has_wanted else "reached") if one.reached else "MISSED"
        figures = (f"{one.value:.4f}", interval, one.required, one.wanted, mark)
        shown.add_row(one.label, *figures)
    return shown


def _whole(title: str, *heads: str) -> Table:
    """A table that cuts no name short: in 80 columns, as of a log, the names take several lines."""
    return Table(*(Column(head, overflow="fold") for head in heads), title=title, box=None)


def write_verdicts(file: Path, found: Sequence[Verdict]) -> None:
    """The same for programs, a JSON list."""
    content = [asdict(one) for one in found]
    write_text(file, json.dumps(content, ensure_ascii=False, indent=1) + "\n")


def page(rows: Rows, found: Sequence[Verdict], beside: Sequence[Beside] = ()) -> str:
    """One page without outside addresses: what is required, then each set's own figures.

    Args:
        rows: of all sets.
        found: what is required, held against them.
        beside: what other commands of the suite came to.
    """
    by_set: dict[str, list[Row]] = {}
    for row in rows:
        # Slices stay on the set's own page: all of them would weigh megabytes.
        if row["set"] and not is_slice(row["measure"].partition(VERSUS)[0]):
            by_set.setdefault(str(row["set"]), []).append(Row(**row))
    return (
        environment()
        .get_template("suite.html.j2")
        .render(
            verdicts=found,
            steps=steps(rows),
            beside=beside,
            sets={name: sections(own) for name, own in sorted(by_set.items())},
        )
    )


def steps(rows: Rows) -> list[Step]:
    """Zero-shot and relatum by each set's first measure that both have, on test if it is there."""
    value = {row["name"]: row["value"] for row in rows}
    found: dict[str, dict[str, Step]] = {}
    for row in rows:
        measure, _, other = row["measure"].partition(VERSUS)
        if row["system"] != OWN or other != ZERO_SHOT or is_slice(measure):
            continue
        group = f"{row['set']}/{row['split']}/{measure}"
        label = group.replace("/", ", ", 2)
        change = f"{row['value']:+.4f} [{row['low']:.4f}, {row['high']:.4f}]"
        step = Step(label, value[f"{group}/{ZERO_SHOT}"], value[f"{group}/{OWN}"], change)
        found.setdefault(row["set"], {}).setdefault(row["split"], step)
    return [own.get("test") or next(iter(own.values())) for own in found.values()]
