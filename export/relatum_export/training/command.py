"""`relatum-export train encoder`: fine-tune a pretrained encoder on a shop's pairs."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from relatum_export.console import Reporter


def encoder(
    *,
    corpus: Annotated[
        list[Path], typer.Option(help="Folder that `prepare` wrote; may be given several times.")
    ],
    base: Annotated[str, typer.Option(help="minilm, e5, a hub id, a model's folder, or a run.")],
    out: Annotated[Path, typer.Option(help="Run folder to write.")],
    config: Annotated[
        Path | None, typer.Option(help="TOML with the settings below; the flags go before it.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the pairs.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Pairs a step.")] = None,
    max_pairs: Annotated[int | None, typer.Option(help="Pairs at most, by a fixed draw.")] = None,
    lr: Annotated[float | None, typer.Option(help="Peak learning rate.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of every draw.")] = None,
    frozen_layers: Annotated[
        int | None, typer.Option(help="Lowest layers that stay fixed; by default half of them.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume/--no-resume", help="Go on with an unfinished run in --out.")
    ] = True,
    any_language: Annotated[
        bool, typer.Option("--any-language", help="Take minilm for text that it cannot read.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the metrics as JSON.")] = False,
) -> None:
    """Fine-tune a pretrained encoder on a shop's own pairs of texts.

    Settings of --config: see examples/configs/encoder-en.toml and training/settings.py, where each
    stands with what it does and its default.

    Examples:
      relatum-export train encoder --corpus corpus --base minilm --out runs/encoder

      relatum-export train encoder --corpus shop-a --corpus shop-b --base e5 --out runs/ab
    """
    # PyTorch loads in seconds: `--help` and the other commands need not wait for it.
    from relatum_export.corpus.folder import Corpus  # noqa: PLC0415
    from relatum_export.settings_file import read_settings  # noqa: PLC0415
    from relatum_export.training.bases import check_languages, resolve  # noqa: PLC0415
    from relatum_export.training.encoder_training import train_encoder  # noqa: PLC0415
    from relatum_export.training.settings import TrainSettings  # noqa: PLC0415

    reporter = Reporter(as_json=as_json)
    flags = {
        "epochs": epochs,
        "batch_size": batch_size,
        "max_pairs": max_pairs,
        "learning_rate": lr,
        "seed": seed,
        "frozen_layers": frozen_layers,
    }
    settings = read_settings(TrainSettings, config, flags)
    corpora = [Corpus.open(path) for path in corpus]
    resolved = resolve(base)
    for opened in corpora:
        check_languages(resolved, opened, any_language=any_language)
    metrics = train_encoder(corpora, resolved, out, settings, reporter, resume=resume)
    table = Table("", "base", "fine-tuned", title=f"run {out}")
    for name, figure in metrics["base_figures"].items():
        table.add_row(name, f"{figure:.4f}", f"{metrics['final_figures'][name]:.4f}")
    share = metrics["fine_tuned_share"]
    for name, form in metrics["text_forms"].items():
        table.add_row(f"text of {name}", "", form)
    table.add_row("share of the weights", f"{1 - share:.2f}", f"{share:.2f}")
    reporter.result(metrics, table)
