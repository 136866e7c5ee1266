"""The table of an encoder's forms: size, speed, what it costs, and which one to ship.

`table.json` in the run's folder is what other steps read. Its keys:

    format    "relatum-compression"
    version   1
    corpora   names, in their order
    split     "valid": the losses' split
    default   {"form", "model", "precision", "reason"}: the form to ship
    forms     one object a form, as `Form`: every figure of every model in every precision
    rows      the same as rows of results, `evaluation.rows.Row`: pooled/valid/MEASURE/SYSTEM

Of the rows, set is `pooled`: all corpora together, each weighing alike. Measures are `loss` (of
NDCG@10, relative to the given encoder in PyTorch, with a 95 % interval; no such row where nothing
could be ranked), `titles/s` (one thread), `titles/s/vs-teacher` (over the teacher's in the same
precision), `MB` and `ms` (a title alone, one thread). Systems are `teacher` and `student-NAME` for
int8 with fixed ranges, which is what an artifact ships, and with -PRECISION behind it for another
form: `student-half`, `student-half-fp32`, `student-third-fp16`, `teacher-int8-dynamic` (ranges by
the batch), `teacher-int8-qdq`. `table.md` shows the same to people.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from relatum_export.evaluation.rows import VERSUS, Row
from relatum_export.training.compression.settings import CompressSettings

TEACHER = "teacher"
POOLED = "pooled"
SPLIT = "valid"
SHIPPED = "int8-static"
JSON, MARKDOWN = "table.json", "table.md"


@dataclass(frozen=True, slots=True)
class Form:
    """One row.

    Attributes:
        model: `teacher` or a student's name.
        layers: of its transformer.
        precision: fp32, fp16, int8, int8-static, int8-qdq.
        megabytes: of the graph.
        ms_a_title: median of titles encoded alone, one thread.
        titles_per_s: of titles in batches of near length, one thread.
        speed: titles_per_s over the teacher's in the same precision.
        ranking: NDCG@10 on valid, mean over sets; None where nothing can be ranked.
        loss: relative to the teacher in PyTorch; None likewise.
        loss_low: lower end of its 95 % interval.
        loss_high: upper end.
        units: queries, questions and bundles that were ranked.
        neighbours: share of the teacher's ten nearest products that are kept.
        batch_short: largest 1 - cosine of a short text alone and among 31 others.
        batch_long: of a long one.
    """

    model: str
    layers: int
    precision: str
    megabytes: float
    ms_a_title: float
    titles_per_s: float
    speed: float
    ranking: float | None
    loss: float | None
    loss_low: float | None
    loss_high: float | None
    units: int
    neighbours: float
    batch_short: float
    batch_long: float

    @property
    def name(self) -> str:
        """MODEL/PRECISION."""
        return f"{self.model}/{self.precision}"

    @property
    def system(self) -> str:
        """As the rows name it."""
        model = self.model if self.model == TEACHER else f"student-{self.model}"
        if self.precision == SHIPPED:
            return model
        return f"{model}-{'int8-dynamic' if self.precision == 'int8' else self.precision}"


@dataclass(frozen=True, slots=True)
class Default:
    """The form to ship, and why."""

    form: Form
    reason: str


def choose_default(forms: Sequence[Form], settings: CompressSettings) -> Default:
    """The fastest form that loses no more, and depends no more on its batch, than allowed.

    Where none of the forms is within both limits, the one that ranks best.
    """

    def cost(form: Form) -> float:
        return 1 - form.neighbours if form.loss is None else form.loss

    allowed = [
        form
        for form in forms
        if cost(form) <= settings.max_loss
        and max(form.batch_short, form.batch_long) <= settings.max_batch_change
    ]
    if allowed:
        best = max(allowed, key=lambda form: (form.titles_per_s, -cost(form)))
        return Default(
            best,
            f"the fastest of {len(allowed)} forms that lose at most {settings.max_loss:.1%} and "
            f"change by at most {settings.max_batch_change:g} with their batch",
        )
    best = min(forms, key=lambda form: (cost(form), -form.titles_per_s))
    return Default(best, "no form is within the limits; this one loses least")


def table_rows(forms: Sequence[Form]) -> list[Row]:
    """Every form's figures as rows of results."""
    return [row for form in forms for row in _rows_of(form)]


def _rows_of(form: Form) -> Iterator[Row]:
    def row(
        measure: str,
        value: float,
        unit: str | None,
        better: str,
        interval: tuple[float | None, float | None] = (None, None),
    ) -> Row:
        name = f"{POOLED}/{SPLIT}/{measure}/{form.system}"
        low, high = interval
        return Row(
            name=name,
            set=POOLED,
            split=SPLIT,
            system=form.system,
            measure=measure,
            value=value,
            unit=unit,
            low=low,
            high=high,
            n=form.units,
            required=None,
            better=better,
        )

    if form.loss is not None:
        yield row("loss", form.loss, None, "lower", (form.loss_low, form.loss_high))
    yield row("titles/s", form.titles_per_s, "1/s", "higher")
    yield row(f"titles/s{VERSUS}{TEACHER}", form.speed, None, "higher")
    yield row("MB", form.megabytes, "MB", "lower")
    yield row("ms", form.ms_a_title, "ms", "lower")


def write_table(out: Path, forms: Sequence[Form], default: Default, corpora: Sequence[str]) -> None:
    """Write `table.json` and `table.md` into ``out``; the module says what they hold."""
    chosen = {
        "form": default.form.name,
        "model": default.form.model,
        "precision": default.form.precision,
        "reason": default.reason,
    }
    table = {
        "format": "relatum-compression",
        "version": 1,
        "corpora": list(corpora),
        "split": SPLIT,
        "default": chosen,
        "forms": [asdict(form) for form in forms],
        "rows": [row.as_json() for row in table_rows(forms)],
    }
    text = json.dumps(table, ensure_ascii=False, indent=2) + "\n"
    (out / JSON).write_text(text, encoding="utf-8")
    (out / MARKDOWN).write_text(_markdown(forms, default), encoding="utf-8")


def _markdown(forms: Sequence[Form], default: Default) -> str:
    columns = ["form", "layers", "MB", "ms a title", "titles/s", "over the teacher"]
    columns += ["loss [95 %]", "neighbours", "change with the batch"]
    lines = [f"| {' | '.join(columns)} |", "|---" + "|--:" * (len(columns) - 1) + "|"]
    for form in forms:
        loss = "" if form.loss is None else f"{form.loss:+.2%}"
        if form.loss_low is not None and form.loss_high is not None:
            loss += f" [{form.loss_low:+.2%}, {form.loss_high:+.2%}]"
        cells = (
            f"**{form.name}**" if form.name == default.form.name else form.name,
            str(form.layers),
            f"{form.megabytes:.1f}",
            f"{form.ms_a_title:.2f}",
            f"{form.titles_per_s:.0f}",
            f"{form.speed:.2f}x",
            loss,
            f"{form.neighbours:.3f}",
            f"{max(form.batch_short, form.batch_long):.5f}",
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + f"\n\nDefault: {default.form.name}, {default.reason}.\n"
