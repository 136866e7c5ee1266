"""Ablation: what each ingredient of the encoder's recipe gains or loses, on valid alone."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from relatum_export.atomic_file import write_text
from relatum_export.console import Reporter
from relatum_export.corpus.folder import Corpus
from relatum_export.errors import InputError
from relatum_export.evaluation.intervals import Interval
from relatum_export.evaluation.rows import ZERO_SHOT
from relatum_export.evaluation.systems import TORCH
from relatum_export.suite import plan, schedule
from relatum_export.suite.ablation_settings import FULL, Ablations, Variant, variants
from relatum_export.suite.corpus_facts import has_pairs, readable
from relatum_export.suite.differences import Pair, best_of, pooled
from relatum_export.suite.encoder_judging import figures, judged_by_text, judgement, named
from relatum_export.suite.leave_out import interval
from relatum_export.suite.report import Beside, write_beside
from relatum_export.suite.schedule import Chain
from relatum_export.suite.stamps import Step, stamp_of

SPLIT = "valid"
CONFIG, RUN = "config.toml", "encoder"
NOTE = (
    "Each line is the full recipe with one change, trained with the same budget and judged on "
    "valid: the paired difference to the full recipe, over the sets' first figures, each set "
    "weighing alike. Above 0 the change helps; an interval with 0 in it proves nothing."
)


@dataclass(frozen=True, slots=True)
class Line:
    """One variant.

    Attributes:
        name: of the variant; zero-shot is the base as it stands.
        changed: its settings beside the recipe's.
        difference: to the full recipe, pooled over the sets; None of the full recipe itself.
        by_set: of each set, the measure, its figure, and the difference's interval.
        share: of the fine-tuned weights that valid chose; None of zero-shot.
        seconds: of the training; None of zero-shot.
    """

    name: str
    changed: Mapping[str, Any]
    difference: Interval | None
    by_set: Mapping[str, tuple[str, float, Interval | None]]
    share: float | None
    seconds: float | None


def home_of(folders: plan.Folders) -> Path:
    """Where the encoders and the table lie."""
    return folders.build / "ablation"


def steps(
    variant: Variant,
    trained: Sequence[Corpus],
    judged: Sequence[Corpus],
    base: str,
    folders: plan.Folders,
) -> list[Step]:
    """Train a variant, and judge it on each set's valid.

    Args:
        variant: whose config is written into its folder.
        trained: corpora with train pairs.
        judged: corpora to judge on.
        base: encoder to start from.
        folders: where things lie.
    """
    home = home_of(folders) / variant.name
    config, run = home / CONFIG, home / RUN
    if not config.is_file() or config.read_text(encoding="utf-8") != variant.toml:
        write_text(config, variant.toml)
    name = variant.name
    training = plan.training(f"{name}/{RUN}", trained, base, config, run, flags=())
    return [
        training,
        *(
            judgement(f"{name}/{c.name}", c, run, home / f"{c.name}.json", folders, split=SPLIT)
            for c in judged
        ),
    ]


def run(
    corpora: Mapping[str, Corpus],
    asked: Ablations,
    folders: plan.Folders,
    configs: Path,
    reporter: Reporter,
    *,
    jobs: int | None,
) -> list[Line]:
    """Train and judge every variant, the full recipe first; the table is written after each.

    Raises:
        InputError: settings that `train encoder` refuses, no set to train on or to judge on.
        StepError: a training or a judgement failed.
    """
    wanted = variants(asked, configs / f"encoder-{asked.encoder}.toml")
    of_language = readable(asked.encoder, corpora)
    trained = [c for c in of_language if has_pairs(c)]
    judged = named(asked.sets, corpora) if asked.sets else judged_by_text(of_language)
    for found, what in ((trained, "with train pairs"), (judged, "that texts alone answer")):
        if not found:
            raise InputError(f"DATA has no set {what} for the encoder {asked.encoder}")
    home, base = home_of(folders), plan.ENCODERS[asked.encoder]
    chains = [
        Chain(one.name, steps(one, trained, judged, base, folders), home / "logs") for one in wanted
    ]
    done: set[str] = set()
    lines: list[Line] = []
    for name in schedule.run(chains, reporter, jobs or schedule.default_jobs()):
        done.add(name)
        if FULL in done:
            lines = write_table(home, [v for v in wanted if v.name in done], judged)
    return lines


def write_table(home: Path, done: Sequence[Variant], judged: Iterable[Corpus]) -> list[Line]:
    """Write `table.json` and `table.md` of those variants, and return the lines.

    Raises:
        InputError: a variant's figures are damaged.
    """
    lines = table_lines(home, done, [corpus.name for corpus in judged])
    write_beside(home, [asdict(one) for one in lines], shown(lines))
    return lines


def table_lines(home: Path, done: Sequence[Variant], sets: Sequence[str]) -> list[Line]:
    """The full recipe, zero-shot, and each variant against the full recipe.

    Raises:
        InputError: a variant's figures are damaged.
    """
    measures = {name: figures(home / FULL / f"{name}.json", SPLIT)[:1] for name in sets}
    lines = []
    for variant in done:
        folder = home / variant.name
        metrics = json.loads((folder / RUN / "metrics.json").read_text(encoding="utf-8"))
        seconds = json.loads(stamp_of(folder / RUN).read_text(encoding="utf-8"))["seconds"]
        share = metrics["fine_tuned_share"]
        pairs = _pairs(home, variant.name, TORCH, measures)
        lines.append(_line(variant.name, variant.changed, pairs, share, seconds))
        if variant.name == FULL:
            lines.append(_line(ZERO_SHOT, {}, _pairs(home, FULL, ZERO_SHOT, measures), None, None))
    return lines


def _pairs(
    home: Path, variant: str, system: str, measures: Mapping[str, Sequence[str]]
) -> dict[str, Pair]:
    """A system's outcome in a variant's judgement, and the full recipe's, by set."""
    found = {}
    for name, of_set in measures.items():
        for measure in of_set:
            own = best_of(home / variant / f"{name}.json", SPLIT, measure, [system])
            full = best_of(home / FULL / f"{name}.json", SPLIT, measure, [TORCH])
            if own is not None and full is not None:
                found[name] = (own, full)
    return found


def _line(
    name: str,
    changed: Mapping[str, Any],
    pairs: Mapping[str, Pair],
    share: float | None,
    seconds: float | None,
) -> Line:
    itself = name == FULL
    by_set = {
        of: (own.measure, own.value, None if itself else pooled([(own, full)]))
        for of, (own, full) in pairs.items()
    }
    difference = None if itself else pooled(list(pairs.values()))
    return Line(name, changed, difference, by_set, share, seconds)


def shown(lines: Sequence[Line]) -> Beside:
    """For people."""
    sets = list(dict.fromkeys(name for line in lines for name in line.by_set))
    measure = {name: one[0] for line in lines for name, one in line.by_set.items()}
    heads = ("recipe", "difference, 95 % CI", *(f"{name} {measure[name]}" for name in sets),
             "share", "s", "changed")  # fmt: skip
    rows = [
        (
            line.name,
            "" if line.difference is None else interval(line.difference),
            *(_cell(line.by_set.get(name)) for name in sets),
            "" if line.share is None else f"{line.share:g}",
            "" if line.seconds is None else f"{line.seconds:,.0f}",
            json.dumps(dict(line.changed)) if line.changed else "",
        )
        for line in lines
    ]
    return Beside("Ablation of the encoder's recipe", NOTE, heads, rows)


def _cell(found: tuple[str, float, Interval | None] | None) -> str:
    if found is None:
        return ""
    _, value, difference = found
    return f"{value:.4f}" + ("" if difference is None else f" ({interval(difference)})")


def section(folders: plan.Folders) -> Beside | None:
    """The same as part of the page of all sets; None until it was run."""
    file = home_of(folders) / "table.json"
    if not file.is_file():
        return None
    return shown([_read(one) for one in json.loads(file.read_text(encoding="utf-8"))])


def _read(found: Mapping[str, Any]) -> Line:
    def interval_of(one: Mapping[str, float] | None) -> Interval | None:
        return None if one is None else Interval(**one)

    by_set = {
        name: (measure, value, interval_of(difference))
        for name, (measure, value, difference) in found["by_set"].items()
    }
    difference = interval_of(found["difference"])
    return Line(**{**found, "by_set": by_set, "difference": difference})
