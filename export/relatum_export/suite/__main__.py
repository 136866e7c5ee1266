"""`python -m relatum_export.suite`: what `make models`, `evaluate` and the like run."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from relatum_export.console import Reporter
from relatum_export.corpus.folder import Corpus
from relatum_export.errors import ExportError, InputError
from relatum_export.settings_file import read_settings
from relatum_export.suite import ablation as recipe_ablation
from relatum_export.suite import card as model_card
from relatum_export.suite import judging, leave_out, per_set, plan, report
from relatum_export.suite import seeds as repeated
from relatum_export.suite.ablation_settings import Ablations
from relatum_export.suite.lock import alone

CONFIGS = Path("examples/configs")
CARD = Path("docs/model-card.md")
app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
Data = Annotated[Path, typer.Option(help="A set in the common schema, or a folder of sets.")]
Build = Annotated[Path, typer.Option(help="Folder of everything derived.")]
Seed = Annotated[int, typer.Option(min=0, help="Of the random trainings; 0 is shipped.")]
Configs = Annotated[
    Path,
    typer.Option(help="Folder of encoder-en.toml, encoder-multilingual.toml, student-en.toml."),
]
MaxPairs = Annotated[
    int | None, typer.Option(min=2, help="Pairs of a pass, in the place of the recipe's.")
]
Jobs = Annotated[
    int | None, typer.Option(min=1, help="Steps side by side; by default one a core, at most 4.")
]


@app.command()
def models(
    *,
    data: Data,
    build: Build = Path("build"),
    seed: Seed = 0,
    configs: Configs = CONFIGS,
    jobs: Jobs = None,
) -> None:
    """Train the shipped encoders, their general association heads and a small student."""
    reporter, folders = Reporter(), plan.Folders(build, seed)
    with alone(build):
        corpora = judging.corpora_of(data, folders, reporter, jobs)
        judging.train_models(corpora, folders, configs, reporter, jobs)


@app.command()
def baselines(*, data: Data, build: Build = Path("build"), jobs: Jobs = None) -> None:
    """Tune every baseline of shoppers on each set that has cases, and keep the figures."""
    reporter, folders = Reporter(), plan.Folders(build)
    with alone(build):
        corpora = judging.corpora_of(data, folders, reporter, jobs)
        judging.tune_baselines(corpora, folders, reporter, jobs)


@app.command(hidden=True)
def tune(
    *,
    corpus: Annotated[Path, typer.Option(help="Folder that `prepare` wrote.")],
    out: Annotated[Path, typer.Option(help="JSON with the figures on valid.")],
    cache: Annotated[Path, typer.Option(help="Folder of kept figures.")],
) -> None:
    """Tune the baselines of one set: the step of `baselines`."""
    judging.tune(Corpus.open(corpus), out, cache, Reporter())


@app.command()
def evaluate(
    *,
    data: Data,
    build: Build = Path("build"),
    seed: Seed = 0,
    configs: Configs = CONFIGS,
    jobs: Jobs = None,
) -> None:
    """Fit and judge one artifact a set, by the shipped encoders."""
    reporter, folders = Reporter(), plan.Folders(build, seed)
    with alone(build):
        corpora = judging.corpora_of(data, folders, reporter, jobs)
        rows, found = judging.judge(corpora, folders, configs, reporter, jobs)
    reporter.result(rows, report.table(found))
    reporter.info(f"{folders.suite}/report.html and all.json hold every figure")


@app.command()
def seeds(
    *,
    data: Data,
    build: Build = Path("build"),
    count: Annotated[int, typer.Option("--seeds", min=2, help="Seeds in all; 0 is there.")] = 3,
    configs: Configs = CONFIGS,
    jobs: Jobs = None,
) -> None:
    """Repeat the random trainings with seeds 1 .. SEEDS-1; report mean and spread of all."""
    reporter = Reporter()
    with alone(build):
        repeated.judged_rows(build, 0)  # what the others stand beside, before hours of training
        corpora = judging.corpora_of(data, plan.Folders(build), reporter, jobs)
        for seed in range(1, count):
            folders = plan.Folders(build, seed)
            reporter.info(f"seed {seed}: models")
            judging.train_models(corpora, folders, configs, reporter, jobs)
            reporter.info(f"seed {seed}: sets")
            judging.judge(corpora, folders, configs, reporter, jobs)
        rows = repeated.write_seeds(build, count)
        judging.write_page(plan.Folders(build))
    reporter.result(rows, repeated.shown(rows).table())
    reporter.info(f"{repeated.seeds_file(build)} holds mean and spread")


@app.command("leave-out")
def leave_one_out(
    *,
    data: Data,
    build: Build = Path("build"),
    sets: Annotated[
        str, typer.Option(help="Names with commas; by default the smallest set of each kind.")
    ] = "",
    max_pairs: MaxPairs = None,
    configs: Configs = CONFIGS,
    jobs: Jobs = None,
) -> None:
    """Train the shipped recipe without a set, and judge it on that set; one of each kind."""
    reporter, folders = Reporter(), plan.Folders(build)
    with alone(build):
        corpora = judging.corpora_of(data, folders, reporter, jobs)
        lines = leave_out.run(
            corpora, _words(sets), folders, configs, reporter, max_pairs=max_pairs, jobs=jobs
        )
    reporter.result([asdict(one) for one in lines], leave_out.shown(lines).table())
    reporter.info(f"{leave_out.home_of(folders)} holds table.json and table.md")


@app.command("per-set")
def one_model_a_set(
    *,
    data: Data,
    build: Build = Path("build"),
    sets: Annotated[
        str, typer.Option(help="Names with commas; by default all that teach and judge by text.")
    ] = "",
    max_pairs: MaxPairs = None,
    configs: Configs = CONFIGS,
    jobs: Jobs = None,
) -> None:
    """Train the multilingual recipe on one set alone, and judge the joint encoder against it."""
    reporter, folders = Reporter(), plan.Folders(build)
    with alone(build):
        corpora = judging.corpora_of(data, folders, reporter, jobs)
        lines = per_set.run(
            corpora, _words(sets), folders, configs, reporter, max_pairs=max_pairs, jobs=jobs
        )
        if (folders.suite / judging.ALL).is_file():
            judging.write_page(folders)
    reporter.result([asdict(one) for one in lines], per_set.shown(lines).table())
    reporter.info(f"{per_set.home_of(folders)} holds table.json, table.md and rows.json")


@app.command()
def ablation(
    *,
    data: Data,
    build: Build = Path("build"),
    ablations: Annotated[
        Path, typer.Option(help="TOML: the encoder, the budget, and the changes to try.")
    ] = CONFIGS / "ablations.toml",
    configs: Configs = CONFIGS,
    jobs: Jobs = None,
) -> None:
    """Train the encoder's recipe with one change at a time, and judge each on valid."""
    reporter, folders = Reporter(), plan.Folders(build)
    asked = read_settings(Ablations, ablations)
    with alone(build):
        corpora = judging.corpora_of(data, folders, reporter, jobs)
        lines = recipe_ablation.run(corpora, asked, folders, configs, reporter, jobs=jobs)
    reporter.result([asdict(one) for one in lines], recipe_ablation.shown(lines).table())
    reporter.info(f"{recipe_ablation.home_of(folders)} holds table.json and table.md")


@app.command()
def card(
    *,
    build: Build = Path("build"),
    out: Annotated[Path, typer.Option(help="Markdown with the two markers.")] = CARD,
) -> None:
    """Write the figures of `evaluate` into the model card, between its markers."""
    folders = plan.Folders(build)
    rows = model_card.write_card(out, folders.suite / "all.json", folders.models)
    Reporter().info(f"{out} has {rows:,} figures")


def _words(listed: str) -> list[str]:
    """Names with commas between them."""
    return [name.strip() for name in listed.split(",") if name.strip()]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 2 bad input, 1 anything else."""
    try:
        app(args=argv, standalone_mode=False)
    except ExportError as error:
        sys.stderr.write(f"suite: {error}\n")
        return error.exit_status
    except Exception as error:
        if not hasattr(error, "format_message"):  # typer's usage errors have no public base
            raise
        sys.stderr.write(f"suite: {error.format_message()}; see --help\n")
        return InputError.exit_status
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
