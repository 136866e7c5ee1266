"""`relatum-export train ranker`: how much each source of candidates counts for a shopper."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from relatum_export.console import Reporter


def ranker(
    *,
    corpus: Annotated[Path, typer.Option(help="Folder that `prepare` wrote.")],
    encoder: Annotated[
        str, typer.Option(help="A run of `train encoder`, minilm, e5, a hub id, a model's folder.")
    ],
    out: Annotated[Path, typer.Option(help="Run folder to write; appears whole.")],
    users: Annotated[
        Path | None, typer.Option(help="Run of `train users` on the same corpus and encoder.")
    ] = None,
    graph: Annotated[
        Path | None, typer.Option(help="Folder of `build graph` of the same corpus and encoder.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="TOML with the settings below.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of every draw.")] = None,
    cache: Annotated[
        Path | None, typer.Option(help="Keep encoded texts here, so that a second run is fast.")
    ] = None,
    any_language: Annotated[
        bool, typer.Option("--any-language", help="Take minilm for text that it cannot read.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a ranker in --out.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the metrics as JSON.")] = False,
) -> None:
    """Fit an additive ranker over the sources of candidates on the corpus's valid split.

    Settings of --config: leave_out, frequency_steps, transition_windows, transition_steps,
    transitions_per_item, history_steps, half_lives_days, powers, pool, fit_cases, folds, penalty,
    seed. Unknown keys are refused.

    Examples:
      relatum-export train ranker --corpus corpus --encoder minilm --out runs/ranker

      relatum-export train ranker --corpus corpus --encoder runs/encoder --users runs/users
      --graph graph --config ranker.toml --out runs/ranker
    """
    # PyTorch loads in seconds: `--help` and the other commands need not wait for it.
    from relatum_export.corpus.folder import Corpus  # noqa: PLC0415
    from relatum_export.settings_file import read_settings  # noqa: PLC0415
    from relatum_export.training.bases import check_languages, resolve  # noqa: PLC0415
    from relatum_export.training.ranker.inputs import Inputs  # noqa: PLC0415
    from relatum_export.training.ranker.opening import open_spaces, open_users  # noqa: PLC0415
    from relatum_export.training.ranker.requests import JudgedRequests  # noqa: PLC0415
    from relatum_export.training.ranker.run import check_out  # noqa: PLC0415
    from relatum_export.training.ranker.settings import RankerSettings  # noqa: PLC0415
    from relatum_export.training.ranker.training import train_ranker  # noqa: PLC0415
    from relatum_export.training.users.item_text import read_item_text  # noqa: PLC0415

    reporter = Reporter(as_json=as_json)
    settings = read_settings(RankerSettings, config, {"seed": seed})
    check_out(out, force=force)
    opened = Corpus.open(corpus)
    check_languages(resolve(encoder), opened, any_language=any_language)
    judged = JudgedRequests.read(opened)
    text = read_item_text(opened, encoder, cache, reporter)
    trained = open_users(users, opened, text) if users is not None else None
    spaces = open_spaces(graph, opened, text) if graph is not None else {}
    inputs = Inputs(opened, judged, settings, text.of(judged.items), trained, spaces)
    metrics = train_ranker(inputs, text, out, reporter)
    table = Table(
        "source", "alone", "weight", "new_weight", "power", "share", title=f"ranker {out}"
    )
    for name, found in metrics["sources"].items():
        cells = (f"{found[key]:.4g}" for key in ("alone", "weight", "new_weight", "power", "share"))
        table.add_row(name, *cells)
    for measure, found in metrics["valid_held_out"].items():
        table.add_row(f"valid {measure}", f"{found['value']:.4f}")
    reporter.result(metrics, table)
