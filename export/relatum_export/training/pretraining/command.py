"""`relatum-export pretrain`: teach an encoder a shop's language before it is fine-tuned."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from relatum_export.console import Reporter
from relatum_export.settings_file import read_settings, show_defaults
from relatum_export.training.pretraining.settings import PretrainSettings


def pretrain(
    *,
    corpus: Annotated[
        list[Path], typer.Option(help="Folder that `prepare` wrote; may be given several times.")
    ],
    base: Annotated[str, typer.Option(help="minilm, e5, a hub id, a model's folder, or a run.")],
    out: Annotated[Path, typer.Option(help="Run folder to write; `--base` of later steps.")],
    config: Annotated[
        Path | None, typer.Option(help="TOML: objective (mlm, tsdae), max_texts, epochs, ...")
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
            callback=show_defaults(PretrainSettings),
            help="Print every key of --config with its default and what it means.",
        ),
    ] = False,
) -> None:
    """Pretrain an encoder on the texts of a catalogue, its reviews and its questions.

    Examples:
      relatum-export pretrain --corpus corpus --base minilm --out runs/domain

      relatum-export pretrain --corpus reviews --base e5 --out runs/zh --config tsdae.toml
    """
    # PyTorch loads in seconds: `--help` and the other commands need not wait for it.
    from relatum_export.corpus.folder import Corpus  # noqa: PLC0415
    from relatum_export.training.bases import check_languages, resolve  # noqa: PLC0415
    from relatum_export.training.pretraining.pretrain import pretrain as run  # noqa: PLC0415

    del show_config  # it has printed and left
    reporter = Reporter(as_json=as_json)
    settings = read_settings(PretrainSettings, config, {"seed": seed})
    corpora = [Corpus.open(path) for path in corpus]
    resolved = resolve(base)
    for opened in corpora:
        check_languages(resolved, opened, any_language=any_language)
    metrics = run(corpora, resolved, out, settings, reporter, resume=resume)
    table = Table("", "before", "after", title=f"run {out}")
    losses = (metrics["held_out_loss_untrained"], metrics["held_out_loss"])
    table.add_row("loss on held-out texts", *(f"{loss:.4f}" for loss in losses))
    if metrics["metric"]:
        kept = metrics["share_scores"].get(str(metrics["kept_share"]))
        after = "not measured" if kept is None else f"{kept:.4f}"
        table.add_row(metrics["metric"], f"{metrics['share_scores']['0.0']:.4f}", after)
    table.add_row("share of the new weights", "", f"{metrics['kept_share']:.2f}")
    reporter.result(metrics, table)
