"""The `relatum-export` command: from a shop's files to an artifact."""

import sys
from collections.abc import Sequence

import typer

from relatum_export.artifact.command import export
from relatum_export.corpus.command import EXAMPLES as PREPARE_EXAMPLES
from relatum_export.corpus.command import prepare
from relatum_export.errors import ExportError, InputError
from relatum_export.evaluation.command import evaluate
from relatum_export.graph.command import graph
from relatum_export.training.answer_head.command import answers
from relatum_export.training.association_head.command import pairs
from relatum_export.training.command import encoder
from relatum_export.training.compression.command import compress
from relatum_export.training.pretraining.command import pretrain
from relatum_export.training.ranker.command import ranker
from relatum_export.training.users.command import users

app = typer.Typer(
    name="relatum-export",
    help="Turn a shop's files into an artifact: prepare, train encoder, export, evaluate.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
train = typer.Typer(help="Fit a model on a corpus.", no_args_is_help=True)
app.add_typer(train, name="train")
build = typer.Typer(help="Derive facts from a corpus.", no_args_is_help=True)
app.add_typer(build, name="build")
app.command(epilog=PREPARE_EXAMPLES)(prepare)
app.command()(pretrain)
app.command()(compress)
app.command()(export)
app.command()(evaluate)
train.command()(encoder)
train.command()(pairs)
train.command()(answers)
train.command()(users)
train.command()(ranker)
build.command()(graph)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 2 bad input, 1 anything else."""
    try:
        status = app(args=argv, standalone_mode=False)
    except ExportError as error:
        sys.stderr.write(f"relatum-export: {error}\n")
        return error.exit_status
    except Exception as error:
        if not hasattr(error, "format_message"):  # typer's usage errors have no public base
            raise
        sys.stderr.write(f"relatum-export: {error.format_message()}; see --help\n")
        return InputError.exit_status
    return status if isinstance(status, int) else 0


if __name__ == "__main__":
    raise SystemExit(main())
