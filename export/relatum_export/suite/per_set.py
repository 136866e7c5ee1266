"""One model for all sets against one for each: what joint training of the multilingual costs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from relatum_export.atomic_file import write_text
from relatum_export.console import Reporter
from relatum_export.corpus.folder import Corpus
from relatum_export.errors import InputError
from relatum_export.evaluation.intervals import Interval
from relatum_export.evaluation.rows import Outcome, Row, row_of, rows_of
from relatum_export.evaluation.systems import TORCH
from relatum_export.suite import plan, schedule
from relatum_export.suite.corpus_facts import has_pairs
from relatum_export.suite.differences import best_of, relative_loss
from relatum_export.suite.encoder_judging import (
    SPLITS,
    figures,
    finished,
    judged_by_text,
    judgement,
    named,
    read_rows,
    recipe_flags,
)
from relatum_export.suite.report import Beside, write_beside
from relatum_export.suite.required import JOINT
from relatum_export.suite.schedule import Chain
from relatum_export.suite.stamps import Step

ALONE = "per-set"
JUDGED = {ALONE: "per-set.json", JOINT: "joint.json"}  # file of rows, by system
ROWS = "rows.json"
HEADS = ("set, split, measure", ALONE, JOINT, "loss, 95 % CI", "n")
NOTE = (
    "One encoder for all sets, `multilingual`, against one trained by the same recipe from the "
    "same base on that set's train part alone, both in PyTorch, in the form of text that each "
    "one's valid chose. The loss is of the set's first figure, relative to the per-set model's, "
    "paired; below 0 the joint one is better."
)


@dataclass(frozen=True, slots=True)
class Line:
    """A set's first figure on a split.

    Attributes:
        set: its name.
        split: valid or test.
        measure: as in the rows.
        alone: of the encoder trained on the set alone.
        joint: of the one trained on all sets.
        loss: relative to ``alone``, with its paired 95 % interval.
        n: units.
    """

    set: str
    split: str
    measure: str
    alone: float
    joint: float
    loss: Interval
    n: int


def home_of(folders: plan.Folders) -> Path:
    """Where the encoders and the table lie."""
    return folders.build / "per-set"


def compared(corpora: Mapping[str, Corpus], names: Sequence[str]) -> list[Corpus]:
    """The sets to train on alone: those named, or all with train pairs that texts alone answer.

    Raises:
        InputError: one is not there, teaches no encoder or judges none, or none does both.
    """
    chosen = named(names, corpora) if names else list(corpora.values())
    judged = {corpus.name for corpus in judged_by_text(chosen)}
    found = []
    for corpus in chosen:
        if corpus.name in judged and has_pairs(corpus):
            found.append(corpus)
        elif names:
            lacks = "no train pairs" if corpus.name in judged else "no kind that texts answer"
            raise InputError(f"{corpus.name} has {lacks}: no encoder of its own to compare")
    if not found:
        raise InputError("no set of DATA has both train pairs and a kind that texts alone answer")
    return found


def steps(
    corpus: Corpus, folders: plan.Folders, configs: Path, max_pairs: int | None
) -> list[Step]:
    """Train on a set alone, and judge that encoder and the joint one on it.

    Args:
        corpus: the set.
        folders: where things lie.
        configs: folder of the recipes.
        max_pairs: of a pass, where it is not the recipe's.

    Raises:
        InputError: the joint encoder is missing.
    """
    joint = finished(folders.models / JOINT)
    home, name = home_of(folders) / corpus.name, corpus.name
    run, config = home / "encoder", configs / f"encoder-{JOINT}.toml"
    flags, base = recipe_flags(folders, max_pairs), plan.ENCODERS[JOINT]
    return [
        plan.training(f"{name}/encoder", [corpus], base, config, run, flags=flags),
        judgement(f"{name}/{ALONE}", corpus, run, home / JUDGED[ALONE], folders),
        judgement(f"{name}/{JOINT}", corpus, joint, home / JUDGED[JOINT], folders),
    ]


def run(
    corpora: Mapping[str, Corpus],
    names: Sequence[str],
    folders: plan.Folders,
    configs: Path,
    reporter: Reporter,
    *,
    max_pairs: int | None,
    jobs: int | None,
) -> list[Line]:
    """Train on each set alone in turn; table and rows are written after each.

    Raises:
        InputError: see ``compared`` and ``steps``.
        StepError: a training or a judgement failed.
    """
    home = home_of(folders)
    chains = [
        Chain(c.name, steps(c, folders, configs, max_pairs), home / "logs")
        for c in compared(corpora, names)
    ]
    return schedule.tabulated(chains, lambda done: write_table(home, done), reporter, jobs)


def write_table(home: Path, names: Sequence[str]) -> list[Line]:
    """Write `table.json`, `table.md` and `rows.json` of those sets, and return the lines.

    Raises:
        InputError: a set's figures are damaged.
    """
    lines: list[Line] = []
    rows: list[Row] = []
    for name in names:
        found, of_set = _of_set(home, name)
        lines += found
        rows += of_set
    text = json.dumps([row.as_json() for row in rows], ensure_ascii=False, indent=1) + "\n"
    write_text(home / ROWS, text)
    write_beside(home, [asdict(one) for one in lines], shown(lines))
    return lines


def _of_set(home: Path, name: str) -> tuple[list[Line], list[Row]]:
    """The lines of one set, and its rows: both systems' figures, then the loss in the first."""
    lines: list[Line] = []
    rows: list[Row] = []
    for split in SPLITS:
        for place, measure in enumerate(figures(home / name / JUDGED[ALONE], split)):
            pair = _pair(home / name, split, measure)
            if pair is None:
                continue
            alone, joint = pair
            rows += rows_of(name, [alone, joint], baselines=(ALONE,))
            loss = relative_loss(joint, alone) if not place else None
            if loss is None:
                continue
            rows.append(row_of(name, joint, "loss", loss))
            values = (alone.value, joint.value)
            lines.append(Line(name, split, measure, *values, loss, len(alone.units)))
    return lines, rows


def _pair(folder: Path, split: str, measure: str) -> tuple[Outcome, Outcome] | None:
    """What the per-set and the joint encoder came to; None where one was not measured."""
    alone, joint = (
        best_of(folder / JUDGED[system], split, measure, [TORCH]) for system in (ALONE, JOINT)
    )
    if alone is None or joint is None:
        return None
    return replace(alone, system=ALONE), replace(joint, system=JOINT)


def rows(folders: plan.Folders) -> list[dict[str, Any]]:
    """The rows of the sets compared so far; none until it was run.

    Raises:
        InputError: the file is damaged.
    """
    file = home_of(folders) / ROWS
    return read_rows(file) if file.is_file() else []


def shown(lines: Sequence[Line]) -> Beside:
    """For people."""
    cells = [
        (
            f"{one.set}, {one.split}, {one.measure}",
            f"{one.alone:.4f}",
            f"{one.joint:.4f}",
            f"{one.loss.value:+.2%} [{one.loss.low:+.2%}, {one.loss.high:+.2%}]",
            f"{one.n:,}",
        )
        for one in lines
    ]
    return Beside("One model for all sets, or one for each", NOTE, HEADS, cells)


def section(folders: plan.Folders) -> Beside | None:
    """The same as part of the page of all sets; None until it was run."""
    file = home_of(folders) / "table.json"
    if not file.is_file():
        return None
    found = json.loads(file.read_text(encoding="utf-8"))
    return shown([Line(**{**one, "loss": Interval(**one["loss"])}) for one in found])
