"""The table of an encoder's forms: size, speed, what it costs, and which one to ship."""

from collections.abc import Sequence
from dataclasses import dataclass

from relatum_export.training.compression.settings import CompressSettings


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
        ranking: the mean figure over all units on valid; None where nothing can be ranked.
        loss: relative to the teacher in PyTorch; None likewise.
        loss_low: lower end of its 95 % interval.
        loss_high: upper end.
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
    neighbours: float
    batch_short: float
    batch_long: float

    @property
    def name(self) -> str:
        """MODEL/PRECISION."""
        return f"{self.model}/{self.precision}"


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
