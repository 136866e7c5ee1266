"""`relatum-export train answers`: a head that finds the reply to a question."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from relatum_export.console import Reporter


def answers(
    *,
    corpus: Annotated[Path, typer.Option(help="Folder that `prepare` wrote.")],
    encoder: Annotated[
        str, typer.Option(help="A run's folder, minilm, e5, a hub id, or a model's folder.")
    ],
    out: Annotated[Path, typer.Option(help="Run folder to write.")],
    config: Annotated[
        Path | None, typer.Option(help="TOML of AnswerSettings; unknown keys are refused.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of every draw.")] = None,
    cache: Annotated[
        Path | None, typer.Option(help="Keep encoded texts here, so that a second run is fast.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume/--no-resume", help="Go on with an unfinished run in --out.")
    ] = True,
    any_language: Annotated[
        bool, typer.Option("--any-language", help="Take minilm for text that it cannot read.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the metrics as JSON.")] = False,
) -> None:
    """Fit the answer head on a shop's questions and the replies that its people gave.

    Examples:
      relatum-export train answers --corpus corpus --encoder runs/encoder --out runs/answers
    """
    # PyTorch loads in seconds: `--help` and the other commands need not wait for it.
    from relatum_export.corpus.folder import Corpus  # noqa: PLC0415
    from relatum_export.settings_file import read_settings  # noqa: PLC0415
    from relatum_export.training.answer_head.settings import AnswerSettings  # noqa: PLC0415
    from relatum_export.training.answer_head.training import train_answers  # noqa: PLC0415
    from relatum_export.training.bases import check_languages, resolve  # noqa: PLC0415

    reporter = Reporter(as_json=as_json)
    settings = read_settings(AnswerSettings, config, {"seed": seed})
    opened, base = Corpus.open(corpus), resolve(encoder)
    check_languages(base, opened, any_language=any_language)
    metrics = train_answers(opened, base, out, settings, reporter, resume=resume, cache=cache)
    valid = metrics["valid"]
    table = Table("valid", "R@10", title=f"run {out}")
    table.add_row("encoder alone", f"{valid['R@10/encoder']:.4f}")
    table.add_row("answer head", f"{valid['R@10']:.4f}")
    error = valid["standard_error"]
    spread = "a single question" if error is None else f"± {error:.4f}"
    table.add_row("gain", f"{valid['gain']:+.4f} {spread}")
    reporter.result(metrics, table)
