"""`relatum-export compress`: a smaller, faster encoder, and the table that says what it costs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from relatum_export.console import Reporter
from relatum_export.settings_file import read_settings, show_defaults
from relatum_export.training.compression.settings import CompressSettings


def compress(
    *,
    corpus: Annotated[
        list[Path], typer.Option(help="Folder that `prepare` wrote; may be given several times.")
    ],
    encoder: Annotated[
        str, typer.Option(help="A run's folder, minilm, e5, a hub id, or a model's folder.")
    ],
    out: Annotated[Path, typer.Option(help="Run folder to write; `--encoder` of later steps.")],
    config: Annotated[
        Path | None, typer.Option(help="TOML: students, precisions, max_texts, max_loss, ...")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of every draw.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume/--no-resume", help="Go on with an unfinished run in --out.")
    ] = True,
    any_language: Annotated[
        bool, typer.Option("--any-language", help="Take minilm for text that it cannot read.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the metrics as JSON.")] = False,
    show_config: Annotated[
        bool,
        typer.Option(
            "--show-config",
            is_eager=True,
            callback=show_defaults(CompressSettings),
            help="Print every key of --config with its default and what it means.",
        ),
    ] = False,
) -> None:
    """Prune, distil and quantise an encoder; keep the fastest form that ranks nearly as well.

    Examples:
      relatum-export compress --corpus corpus --encoder runs/encoder --out runs/small

      relatum-export compress --corpus a --corpus b --encoder minilm --out runs/small --json
    """
    # PyTorch loads in seconds: `--help` and the other commands need not wait for it.
    from relatum_export.corpus.folder import Corpus  # noqa: PLC0415
    from relatum_export.training.bases import check_languages, resolve  # noqa: PLC0415
    from relatum_export.training.compression.compress import compress as run  # noqa: PLC0415

    del show_config  # it has printed and left
    reporter = Reporter(as_json=as_json)
    settings = read_settings(CompressSettings, config, {"seed": seed})
    corpora = [Corpus.open(path) for path in corpus]
    resolved = resolve(encoder)
    for opened in corpora:
        check_languages(resolved, opened, any_language=any_language)
    metrics = run(corpora, resolved, out, settings, reporter, resume=resume)
    reporter.result(metrics, _table(metrics["table"], f"run {out}"))


def _table(forms: Sequence[Mapping[str, Any]], title: str) -> Table:
    columns = ("form", "layers", "MB", "ms", "titles/s", "speed", "loss", "neighbours", "batch")
    table = Table(*columns, title=title)
    for form in forms:
        loss = "" if form["loss"] is None else f"{form['loss']:+.2%}"
        table.add_row(
            f"{form['model']}/{form['precision']}",
            str(form["layers"]),
            f"{form['megabytes']:.1f}",
            f"{form['ms_a_title']:.2f}",
            f"{form['titles_per_s']:.0f}",
            f"{form['speed']:.2f}x",
            loss,
            f"{form['neighbours']:.3f}",
            f"{max(form['batch_short'], form['batch_long']):.5f}",
        )
    return table
