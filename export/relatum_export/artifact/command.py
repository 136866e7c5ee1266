"""`relatum-export export`: from an encoder and a corpus to an artifact."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from relatum_export.console import Reporter


def export(
    *,
    corpus: Annotated[Path, typer.Option(help="Folder that `prepare` wrote.")],
    encoder: Annotated[
        str, typer.Option(help="A run's folder, minilm, e5, a hub id, or a model's folder.")
    ],
    out: Annotated[Path, typer.Option(help="Artifact folder to write; appears whole.")],
    pairs: Annotated[
        Path | None, typer.Option(help="Run of `train pairs`: probabilities of a pair's relations.")
    ] = None,
    users: Annotated[
        Path | None, typer.Option(help="Run of `train users`: reads a shopper's history.")
    ] = None,
    ranker: Annotated[
        Path | None, typer.Option(help="Run of `train ranker`: weighs what is recommended.")
    ] = None,
    graph: Annotated[
        Path | None, typer.Option(help="Folder of `build graph`: complements and evidence.")
    ] = None,
    answers: Annotated[
        Path | None, typer.Option(help="Run of `train answers`: finds replies to questions.")
    ] = None,
    reranker: Annotated[
        str | None,
        typer.Option(
            help="ms-marco (English), a hub id, or a model's folder: reads query and text together "
            "where the shop's judgements say that it helps."
        ),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(help="Folder in which vectors are kept between calls, as `evaluate` has it."),
    ] = None,
    any_language: Annotated[
        bool, typer.Option("--any-language", help="Take minilm for text that it cannot read.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a folder that is not an artifact.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the metrics as JSON.")] = False,
) -> None:
    """Write the artifact that `relatum-server serve` loads.

    Every run must have been made on --encoder; a part that is not given is absent.

    Examples:
      relatum-export export --corpus corpus --encoder minilm --out artifact

      relatum-export export --corpus corpus --encoder runs/encoder --pairs runs/pairs
      --users runs/users --ranker runs/ranker --graph graph --out artifact --json
    """
    # PyTorch loads in seconds: `--help` and the other commands need not wait for it.
    from relatum_export.artifact.folder import check_target  # noqa: PLC0415
    from relatum_export.artifact.parts import PartRuns, Parts  # noqa: PLC0415
    from relatum_export.artifact.writer import write_artifact  # noqa: PLC0415
    from relatum_export.corpus.folder import Corpus  # noqa: PLC0415
    from relatum_export.evaluation.encoding import quick_torch  # noqa: PLC0415
    from relatum_export.training.bases import check_languages, resolve  # noqa: PLC0415
    from relatum_export.training.cross_encoder import TorchCrossEncoder  # noqa: PLC0415
    from relatum_export.training.encoder import TorchEncoder  # noqa: PLC0415
    from relatum_export.training.judged import JudgedSplit  # noqa: PLC0415
    from relatum_export.training.products import Catalogue  # noqa: PLC0415
    from relatum_export.training.text_choice import FormChoice, shop_form  # noqa: PLC0415

    reporter = Reporter(as_json=as_json)
    check_target(out, force=force)
    opened = Corpus.open(corpus)
    runs = PartRuns(pairs=pairs, users=users, ranker=ranker, graph=graph, answers=answers)
    parts = Parts.open(runs)
    check_languages(resolve(encoder), opened, any_language=any_language)
    reader = None if reranker is None else TorchCrossEncoder.load(reranker)
    loaded = TorchEncoder.load(encoder)
    catalogue = Catalogue.read(opened) if opened.has("items") else Catalogue((), ())
    valid = JudgedSplit.read(opened, catalogue, "valid")
    form = loaded.text_form or parts.text_form(opened)
    if form is None:
        choice = shop_form(quick_torch(loaded, cache, reporter), opened, catalogue)
        reporter.info(f"text: {choice}")
    else:
        choice = FormChoice(form, {})
    exported = write_artifact(
        opened,
        loaded,
        choice,
        catalogue,
        [valid],
        parts=parts,
        out=out,
        reporter=reporter,
        force=force,
        reranker=reader,
    )
    table = Table("variant", "MB", "lowest cosine", "mean cosine", title=f"artifact {out}")
    for variant in exported.manifest.encoder.variants:
        size = exported.metrics["file_bytes"][variant.file] / 1e6
        cosines = (f"{variant.min_cosine:.5f}", f"{variant.mean_cosine:.5f}")
        table.add_row(variant.precision, f"{size:.1f}", *cosines)
    reporter.result(exported.metrics, table)
