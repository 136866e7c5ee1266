"""`relatum-export train pairs`: a head that says how two products belong together."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from relatum_export.console import Reporter


def pairs(
    *,
    corpus: Annotated[
        list[Path], typer.Option(help="Folder that `prepare` wrote; may be given several times.")
    ],
    encoder: Annotated[
        str, typer.Option(help="A run's folder, minilm, e5, a hub id, or a model's folder.")
    ],
    out: Annotated[Path, typer.Option(help="Run folder to write.")],
    config: Annotated[
        Path | None, typer.Option(help="TOML with keys of PairSettings; unknown ones are refused.")
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
    """Fit the association head: unrelated, same, substitute or complement, with probabilities.

    People's labels are used where the corpus has them, weak labels from behaviour elsewhere.

    Examples:
      relatum-export train pairs --corpus corpus --encoder runs/encoder --out runs/pairs

      relatum-export train pairs --corpus a --corpus b --encoder e5 --out runs/ab --config p.toml
    """
    # PyTorch loads in seconds: `--help` and the other commands need not wait for it.
    from relatum_export.corpus.folder import Corpus  # noqa: PLC0415
    from relatum_export.errors import InputError  # noqa: PLC0415
    from relatum_export.settings_file import read_settings  # noqa: PLC0415
    from relatum_export.training.association_head.settings import PairSettings  # noqa: PLC0415
    from relatum_export.training.association_head.training import train_pairs  # noqa: PLC0415
    from relatum_export.training.bases import check_languages, resolve  # noqa: PLC0415

    reporter = Reporter(as_json=as_json)
    settings = read_settings(PairSettings, config, {"seed": seed})
    corpora = [Corpus.open(path) for path in corpus]
    base = resolve(encoder)
    for opened in corpora:
        if not opened.has("items"):
            raise InputError(f"corpus {opened.path} has no items, so there are no pairs of them")
        check_languages(base, opened, any_language=any_language)
    metrics = train_pairs(corpora, base, out, settings, reporter, resume=resume, cache=cache)
    labels = Table("label", "from", "train pairs", title=f"run {out}")
    for label, sources in metrics["label_sources"].items():
        for source, count in sources.items():
            labels.add_row(label, source, f"{count:,}")
    values = Table("valid", "measure", "value")
    for name, questions in metrics["valid"].items():
        for measures in questions.values():
            for measure, value in measures.items():
                if isinstance(value, float):
                    values.add_row(name, measure, f"{value:.4f}")
    reporter.result(metrics, labels, values)
