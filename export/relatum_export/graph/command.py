"""`relatum-export build graph`: what a shop's facts and purchases say beyond its texts."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from relatum_export.console import Reporter
from relatum_export.graph.settings import GraphSettings
from relatum_export.settings_file import read_settings, show_defaults


def graph(
    *,
    corpus: Annotated[Path, typer.Option(help="Folder that `prepare` wrote.")],
    encoder: Annotated[
        str, typer.Option(help="A run's folder, minilm, e5, a hub id, or a model's folder.")
    ],
    out: Annotated[Path, typer.Option(help="Folder to write; appears whole.")],
    config: Annotated[
        Path | None, typer.Option(help="TOML with the tables edges, diffusion and complement.")
    ] = None,
    cache: Annotated[
        Path | None, typer.Option(help="Keep encoded texts here, so that a second run is fast.")
    ] = None,
    any_language: Annotated[
        bool, typer.Option("--any-language", help="Take minilm for text that it cannot read.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a graph in --out.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the metrics as JSON.")] = False,
    show_config: Annotated[
        bool,
        typer.Option(
            "--show-config",
            is_eager=True,
            callback=show_defaults(GraphSettings),
            help="Print every key of --config with its default and what it means.",
        ),
    ] = False,
) -> None:
    """Build the knowledge graph, text vectors diffused over it, and complement vectors.

    Examples:
      relatum-export build graph --corpus corpus --encoder runs/encoder --out graph

      relatum-export build graph --corpus corpus --encoder minilm --out graph --config graph.toml
    """
    # PyTorch loads in seconds: `--help` and the other commands need not wait for it.
    from relatum_export.artifact.identity import encoder_id  # noqa: PLC0415
    from relatum_export.corpus.folder import Corpus  # noqa: PLC0415
    from relatum_export.errors import InputError  # noqa: PLC0415
    from relatum_export.evaluation.encoding import quick_torch  # noqa: PLC0415
    from relatum_export.graph.build import check_out, write_folder  # noqa: PLC0415
    from relatum_export.graph.diffusion_choice import ProductTexts  # noqa: PLC0415
    from relatum_export.training.bases import check_languages, resolve  # noqa: PLC0415
    from relatum_export.training.encoder import TorchEncoder  # noqa: PLC0415
    from relatum_export.training.products import Catalogue  # noqa: PLC0415
    from relatum_export.training.text_choice import shop_form  # noqa: PLC0415

    del show_config  # it has printed and left
    reporter = Reporter(as_json=as_json)
    settings = read_settings(GraphSettings, config)
    check_out(out, force=force)
    opened = Corpus.open(corpus)
    if not opened.has("items"):
        raise InputError(f"corpus {corpus} has no items, so there is nothing to join by edges")
    check_languages(resolve(encoder), opened, any_language=any_language)
    loaded = TorchEncoder.load(encoder)
    catalogue = Catalogue.read(opened)
    cached = quick_torch(loaded, cache, reporter)
    form = shop_form(cached, opened, catalogue).form
    named = {
        "base": loaded.base.name,
        "encoder_id": encoder_id(loaded.module, loaded.text_input, form),
    }
    inputs = ProductTexts(opened, catalogue, cached, form)
    metrics = write_folder(inputs, named, settings, out, reporter)
    table = Table("", "value", title=f"graph {out}")
    for name, count in metrics["edges"].items():
        table.add_row(f"edges {name}", f"{count:,}")
    for part in ("diffusion", "complement"):
        table.add_row(part, "kept" if metrics[part]["kept"] else "not kept")
    reporter.result(metrics, table)
