"""Leave one set out: what an encoder is worth on a shop's set that it was not trained on."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from relatum_export.console import Reporter
from relatum_export.corpus.folder import Corpus
from relatum_export.errors import InputError
from relatum_export.evaluation.intervals import Interval
from relatum_export.evaluation.systems import TORCH
from relatum_export.suite import plan, schedule
from relatum_export.suite.corpus_facts import has_pairs, language, readable
from relatum_export.suite.differences import Pair, best_of, pooled
from relatum_export.suite.encoder_judging import (
    SPLITS,
    ZERO_SHOTS,
    figures,
    judgement,
    named,
    recipe_flags,
    shipped,
    smallest_of_each_kind,
)
from relatum_export.suite.report import Beside, write_beside
from relatum_export.suite.schedule import Chain
from relatum_export.suite.stamps import Step

WITHOUT, SHIPPED = "without.json", "shipped.json"
POOLED = "pooled"
HEADS = ("set, split, measure", "zero-shot", "without the set", "shipped", "gain, 95 % CI",
         "gain of the shipped, 95 % CI")  # fmt: skip
NOTE = (
    "Encoders trained by the shipped recipe without the corpus of the set they are judged on. "
    "Gains are paired differences to the better form of zero-shot; pooled: the mean over "
    "the sets of the gain in each one's first figure."
)


@dataclass(frozen=True, slots=True)
class Line:
    """One figure on a set that was left out; of the pooled gain only the last fields.

    Attributes:
        set: the set's name, or ``pooled``.
        split: valid or test.
        measure: as in the rows; "" of the pooled gain.
        zero_shot: of the better form of the base.
        without: of the encoder trained without the set.
        shipped: of the encoder trained with it.
        gain: without less zero-shot, paired.
        shipped_gain: shipped less zero-shot, paired.
        n: units; sets of the pooled gain.
    """

    set: str
    split: str
    measure: str
    zero_shot: float | None
    without: float | None
    shipped: float | None
    gain: Interval
    shipped_gain: Interval
    n: int


def home_of(folders: plan.Folders) -> Path:
    """Where the encoders and the table lie."""
    return folders.build / "leave-one-out"


def left_out(corpora: Mapping[str, Corpus], names: Sequence[str]) -> list[Corpus]:
    """The sets to leave out: those named, or the smallest of each kind.

    Raises:
        InputError: one is not there or teaches no encoder, or none does.
    """
    found = named(names, corpora) if names else smallest_of_each_kind(corpora)
    for corpus in found:
        if not has_pairs(corpus):
            raise InputError(f"{corpus.name} has no train pairs: every encoder is without it")
    if not found:
        raise InputError("no set of DATA has train pairs and a kind that encoders are judged in")
    return found


def steps(
    corpus: Corpus,
    corpora: Mapping[str, Corpus],
    folders: plan.Folders,
    configs: Path,
    max_pairs: int | None,
) -> list[Step]:
    """Train without a set, and judge that encoder and the shipped one on it.

    Args:
        corpus: the set.
        corpora: of all sets.
        folders: where things lie.
        configs: folder of the recipes.
        max_pairs: of a pass, where it is not the recipe's.

    Raises:
        InputError: no other set has train pairs, or the shipped encoder is missing.
    """
    name, encoder = corpus.name, language(corpus)
    trained = [c for c in readable(encoder, corpora) if has_pairs(c) and c.name != name]
    if not trained:
        raise InputError(f"without {name} no set is left to train on; give DATA with more sets")
    home = home_of(folders) / name
    run, config = home / "encoder", configs / f"encoder-{encoder}.toml"
    flags, base = recipe_flags(folders, max_pairs), plan.ENCODERS[encoder]
    return [
        plan.training(f"{name}/encoder", trained, base, config, run, flags=flags),
        judgement(f"{name}/without", corpus, run, home / WITHOUT, folders),
        judgement(
            f"{name}/shipped", corpus, shipped(corpus, folders), home / SHIPPED, folders
        ),
    ]  # fmt: skip


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
    """Leave each set out in turn; the table is written after each.

    Raises:
        InputError: see ``left_out`` and ``steps``.
        StepError: a training or a judgement failed.
    """
    home = home_of(folders)
    chains = [
        Chain(c.name, steps(c, corpora, folders, configs, max_pairs), home / "logs")
        for c in left_out(corpora, names)
    ]
    return schedule.tabulated(chains, lambda done: write_table(home, done), reporter, jobs)


def write_table(home: Path, names: Sequence[str]) -> list[Line]:
    """Write `table.json` and `table.md` of those sets, and return the lines.

    Raises:
        InputError: a set's figures are damaged.
    """
    lines = table_lines(home, names)
    write_beside(home, [asdict(one) for one in lines], shown(lines))
    return lines


def table_lines(home: Path, names: Sequence[str]) -> list[Line]:
    """Of each set its figures, then the pooled gain of each split.

    Raises:
        InputError: a set's figures are damaged.
    """
    lines, whole = [], []
    for split in SPLITS:
        own: list[Pair] = []
        theirs: list[Pair] = []
        for name in names:
            for place, measure in enumerate(figures(home / name / WITHOUT, split)):
                without = best_of(home / name / WITHOUT, split, measure, [TORCH])
                zero = best_of(home / name / WITHOUT, split, measure, ZERO_SHOTS)
                with_it = best_of(home / name / SHIPPED, split, measure, [TORCH])
                if without is None or zero is None or with_it is None:
                    continue
                gain, other = pooled([(without, zero)]), pooled([(with_it, zero)])
                if gain is None or other is None:
                    continue
                values = (zero.value, without.value, with_it.value)
                lines.append(Line(name, split, measure, *values, gain, other, len(zero.units)))
                if not place:
                    own.append((without, zero))
                    theirs.append((with_it, zero))
        gain, other = pooled(own), pooled(theirs)
        if gain is not None and other is not None:
            whole.append(Line(POOLED, split, "", None, None, None, gain, other, len(own)))
    lines.sort(key=lambda line: names.index(line.set))  # stable: valid, then test
    return lines + whole


def shown(lines: Sequence[Line]) -> Beside:
    """For people."""

    def number(value: float | None) -> str:
        return "" if value is None else f"{value:.4f}"

    rows = [
        (
            ", ".join(part for part in (one.set, one.split, one.measure) if part),
            number(one.zero_shot),
            number(one.without),
            number(one.shipped),
            interval(one.gain),
            interval(one.shipped_gain),
        )
        for one in lines
    ]
    return Beside("Leave one set out", NOTE, HEADS, rows)


def section(folders: plan.Folders) -> Beside | None:
    """The same as part of the page of all sets; None until it was run."""
    file = home_of(folders) / "table.json"
    if not file.is_file():
        return None
    found = json.loads(file.read_text(encoding="utf-8"))
    gains = ("gain", "shipped_gain")
    return shown([Line(**{**one, **{key: Interval(**one[key]) for key in gains}}) for one in found])


def interval(of: Interval) -> str:
    """A signed difference with its interval."""
    return f"{of.value:+.4f} [{of.low:+.4f}, {of.high:+.4f}]"
