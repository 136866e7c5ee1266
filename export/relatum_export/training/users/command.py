"""`relatum-export train users`: what a shopper will want next, from what came before."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from relatum_export.console import Reporter


def users(
    *,
    corpus: Annotated[Path, typer.Option(help="Folder that `prepare` wrote.")],
    encoder: Annotated[
        str, typer.Option(help="A run of `train encoder`, minilm, e5, a hub id, a model's folder.")
    ],
    out: Annotated[Path, typer.Option(help="Run folder to write.")],
    config: Annotated[Path | None, typer.Option(help="TOML with the settings below.")] = None,
    refit: Annotated[
        Path | None,
        typer.Option(help="Fit again on train and valid, with what this run chose on valid."),
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
    """Train the user encoder: a causal transformer over learned ids and frozen text vectors.

    Settings of --config: dimension, layers, heads, dropout, max_history, epochs, patience,
    batch_events, learning_rate, warm_up, weight_decay, id_decay, average, temperature,
    label_smoothing, softmax, negatives, repeats, time_gaps, seed. Unknown keys are refused.

    Examples:
      relatum-export train users --corpus corpus --encoder minilm --out runs/users

      relatum-export train users --corpus corpus --encoder runs/encoder --config users.toml
      --out runs/users

      relatum-export train users --corpus corpus --encoder minilm --refit runs/users
      --out runs/users-refit
    """
    # PyTorch loads in seconds: `--help` and the other commands need not wait for it.
    from relatum_export.corpus.folder import Corpus  # noqa: PLC0415
    from relatum_export.errors import InputError  # noqa: PLC0415
    from relatum_export.settings_file import read_settings  # noqa: PLC0415
    from relatum_export.training.bases import check_languages, resolve  # noqa: PLC0415
    from relatum_export.training.users.item_text import read_item_text  # noqa: PLC0415
    from relatum_export.training.users.run import TrainedUsers  # noqa: PLC0415
    from relatum_export.training.users.settings import UserSettings  # noqa: PLC0415
    from relatum_export.training.users.training import train_users  # noqa: PLC0415

    reporter = Reporter(as_json=as_json)
    if refit is not None and (config is not None or seed is not None):
        raise InputError("--refit takes its settings from that run; leave --config and --seed out")
    settings = read_settings(UserSettings, config, {"seed": seed})
    chosen = TrainedUsers.open(refit) if refit is not None else None
    if chosen is not None:
        settings = UserSettings.model_validate(chosen.config["settings"])
    opened = Corpus.open(corpus)
    check_languages(resolve(encoder), opened, any_language=any_language)
    text = read_item_text(opened, encoder, cache, reporter)
    metrics = train_users(opened, text, out, settings, reporter, resume=resume, chosen=chosen)
    table = Table("", "value", title=f"run {out}")
    table.add_row("pass kept", str(metrics["best_epoch"]))
    for measure, figure in metrics["valid"].items():
        table.add_row(f"valid {measure}", f"{figure:.4f}")
    table.add_row("ridge penalty", f"{metrics['ridge']['penalty']:g}")
    reporter.result(metrics, table)
