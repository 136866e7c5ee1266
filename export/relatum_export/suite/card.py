"""The figures of the model card, written between two markers of it from the suite's rows."""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from relatum_export.atomic_file import write_text
from relatum_export.errors import InputError
from relatum_export.evaluation.rows import OWN, VERSUS, ZERO_SHOT
from relatum_export.evaluation.slices import is_slice

SPLIT = "test"
CONFIG, METRICS = "config.json", "metrics.json"  # of a run
CATEGORY, LANGUAGE = "category-", "lang-"
BEGIN = "<!-- figures: written by `python -m relatum_export.suite card`; not by hand -->"
END = "<!-- end of figures -->"
Row = dict[str, Any]


def write_card(card: Path, rows_file: Path, models: Path) -> int:
    """Put the figures of the suite between the markers of the card; returns how many rows it has.

    Args:
        card: Markdown with both markers, each once.
        rows_file: JSON list of rows, as the suite writes it.
        models: folder of the shipped runs, which say what they were trained on.

    Raises:
        InputError: a file is missing or damaged, or the card lacks its markers.
    """
    try:
        rows: list[Row] = json.loads(rows_file.read_text(encoding="utf-8"))
        text = card.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise InputError(
            f"{error}; the card needs itself and the rows of `make evaluate`"
        ) from error
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise InputError(
            f"{card} lacks its markers; put these lines in, in this order: {BEGIN} {END}"
        )
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    block = "\n".join(part for part in (trained(models), figures(rows)) if part)
    write_text(card, f"{before}{BEGIN}\n\n{block}\n{END}{after}")
    return len(_own(rows))


def trained(models: Path) -> str:
    """Markdown: what each shipped run learned from, as its own files say; "" without runs.

    A run writes its metrics last: one without them is not finished, and left out.

    Raises:
        InputError: a file of a run is damaged.
    """
    lines = []
    for file in sorted(models.glob(f"*/{METRICS}")):
        try:
            config = json.loads(file.with_name(CONFIG).read_text(encoding="utf-8"))
            metrics = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"{file.parent} is damaged ({error}); make it again") from error
        labels = "; ".join(
            f"{label}: " + ", ".join(f"{n:,} by {source}" for source, n in sources.items())
            for label, sources in metrics.get("label_sources", {}).items()
        )
        base = str(config.get("base") or config.get("encoder") or "")
        lines.append((file.parent.name, base, ", ".join(config.get("corpora", [])), labels))
    return _table("Trained on", ("model", "from", "train parts of", "labels of pairs"), lines)


def figures(rows: Sequence[Row]) -> str:
    """Markdown: each set, each language, each category, and the worst category of each set.

    Raises:
        InputError: none of the rows is of the shipped artifacts' test part.
    """
    own = _own(rows)
    if not own:
        raise InputError(f"no row is {OWN}'s on {SPLIT}; run `make evaluate` first")
    base = {
        (r["set"], r["measure"]): r
        for r in rows
        if r["system"] == ZERO_SHOT and r["split"] == SPLIT
    }
    whole = [r for r in own if not is_slice(r["measure"])]
    parts = [
        _table(
            "Sets",
            ("set", "measure", OWN, "95 % interval", "n", ZERO_SHOT),
            [_line(r, (r["set"], r["measure"]), base) for r in whole],
        )
    ]
    for heading, mark in (("Languages", LANGUAGE), ("Categories", CATEGORY)):
        lines = [
            _line(r, (r["set"], _label(r, mark), _measure(r, mark)), base)
            for r in own
            if mark in r["measure"]
        ]
        head = ("set", heading.lower(), "measure", OWN, "95 % interval", "n", ZERO_SHOT)
        parts.append(_table(heading, head, sorted(lines)))
    parts.append(_worst([r for r in own if CATEGORY in r["measure"]], whole))
    return "\n".join(part for part in parts if part)


def _own(rows: Iterable[Row]) -> list[Row]:
    """The shipped artifacts' figures on test, differences to other systems left out."""
    return [
        row
        for row in rows
        if row["system"] == OWN and row["split"] == SPLIT and VERSUS not in row["measure"]
    ]


def _label(row: Row, mark: str) -> str:
    found: str = row["measure"].rpartition(f"/{mark}")[2]
    return found


def _measure(row: Row, mark: str) -> str:
    found: str = row["measure"].rpartition(f"/{mark}")[0]
    return found


def _line(row: Row, names: tuple[str, ...], base: dict[tuple[str, str], Row]) -> tuple[str, ...]:
    beside = base.get((row["set"], row["measure"]))
    interval = "" if row["low"] is None else f"{row['low']:.3f} .. {row['high']:.3f}"
    count = "" if row["n"] is None else f"{row['n']:,}"
    return (
        *names, f"{row['value']:.3f}", interval, count, f"{beside['value']:.3f}" if beside else "",
    )  # fmt: skip


def _worst(sliced: Sequence[Row], whole: Sequence[Row]) -> str:
    """The category of each set and measure that is farthest behind."""
    overall = {(r["set"], r["measure"]): r["value"] for r in whole}
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in sliced:
        groups.setdefault((row["set"], _measure(row, CATEGORY)), []).append(row)
    lines = []
    for (name, measure), found in sorted(groups.items()):
        order: Callable[..., Row] = max if found[0]["better"] == "lower" else min
        worst = order(found, key=lambda row: row["value"])
        all_of = overall.get((name, measure))
        lines.append(
            (
                name,
                measure,
                _label(worst, CATEGORY),
                f"{worst['value']:.3f}",
                "" if all_of is None else f"{all_of:.3f}",
            )
        )
    return _table("Worst category", ("set", "measure", "category", "there", "all"), lines)


def _table(heading: str, head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A heading with a table; nothing without lines."""
    if not lines:
        return ""
    rows = [head, ["---"] * len(head), *lines]
    cells = ("| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows)
    return f"### {heading}\n\n" + "\n".join(cells) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
