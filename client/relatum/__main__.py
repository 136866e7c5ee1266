"""The `relatum` command. Exit status: 0 done, 2 bad input, 1 anything else."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from relatum import commands
from relatum.channel import DEFAULT_TIMEOUT_S, IMPORT_TIMEOUT_S
from relatum.client import Client
from relatum.errors import RelatumError

# argparse has no public name for what add_subparsers returns.
Commands = Any


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    args = parser().parse_args(argv)
    try:
        with Client(args.target, timeout_s=args.timeout, wait_for_ready=args.wait) as client:
            args.run(client, args)
    except RelatumError as error:
        text, status = commands.describe(error, args.target)
    except (commands.UsageError, ValueError) as error:
        text, status = str(error), 2
    except OSError as error:
        text, status = f"{error.filename or args.target}: {error.strerror}; check the path", 2
    except KeyboardInterrupt:
        text, status = "interrupted", 1
    else:
        return 0
    print(f"relatum: {text}", file=sys.stderr)
    return status


def parser() -> argparse.ArgumentParser:
    """The command line."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--target", default="127.0.0.1:50051", help="HOST:PORT, or several joined by commas"
    )
    common.add_argument("--json", action="store_true", help="JSON instead of tables")
    common.add_argument(
        "--timeout",
        type=_seconds,
        default=DEFAULT_TIMEOUT_S,
        metavar="S",
        help="seconds for a call",
    )
    common.add_argument("--wait", action="store_true", help="wait for the server until the timeout")

    paged = argparse.ArgumentParser(add_help=False)
    paged.add_argument("--page-size", type=int, default=0, metavar="N", help="0: 20 lines")
    paged.add_argument("--page-token", default="", help="of the page before")
    paged.add_argument("--filter", default="", help="such as 'price < 5 AND brand = \"Acme\"'")

    ranked = argparse.ArgumentParser(add_help=False, parents=[paged])
    ranked.add_argument("--all-variants", action="store_true", help="every variant of a group")

    root = argparse.ArgumentParser(prog="relatum", description="Ask a relatum server.")
    sub = root.add_subparsers(required=True, metavar="COMMAND")

    _add_ranked(sub, common, ranked)
    _add_products(sub, common, paged)
    _add_imports(sub, common)

    one = sub.add_parser("events", parents=[common], help="write a few events")
    one.add_argument("file", metavar="F", help="JSON: an event, a list, or one a line; - for stdin")
    one.set_defaults(run=commands.events)

    one = sub.add_parser("embed", parents=[common], help="vectors of texts")
    one.add_argument("texts", nargs="+", metavar="TEXT")
    one.add_argument("--kind", type=str.upper, default="DOCUMENT", help="QUERY or DOCUMENT")
    one.add_argument("--dimension", type=int, default=0, help="0: the encoder's own")
    one.set_defaults(run=commands.embed)

    one = sub.add_parser("info", parents=[common], help="what server this is")
    one.set_defaults(run=commands.info)
    return root


def _add_ranked(
    sub: Commands, common: argparse.ArgumentParser, ranked: argparse.ArgumentParser
) -> None:
    one = sub.add_parser("search", parents=[common, ranked], help="products for free text")
    one.add_argument("query")
    one.add_argument("--user", default="", help="the shopper, for a personal order")
    one.add_argument("--facet", action="append", default=[], metavar="COLUMN")
    one.add_argument("--as-typed", action="store_true", help="correct no misspelt word")
    one.add_argument("--no-lexical", action="store_true", help="semantic leg only")
    one.add_argument("--no-semantic", action="store_true", help="lexical leg only")
    one.set_defaults(run=commands.search)

    one = sub.add_parser("complete", parents=[common], help="what a shopper may be typing")
    one.add_argument("prefix")
    one.add_argument("--page-size", type=int, default=0, metavar="N")
    one.set_defaults(run=commands.complete)

    one = sub.add_parser("related", parents=[common, ranked], help="products that belong together")
    one.add_argument("product_ids", nargs="*", metavar="PRODUCT", help="one, or several examples")
    one.add_argument("--negative", action="append", default=[], metavar="PRODUCT")
    one.add_argument("--text", default="", help="start from a text instead")
    one.add_argument("--batch", action="store_true", help="one list for each product")
    one.add_argument(
        "--relation", type=str.upper, default="SIMILAR", help="SIMILAR, SUBSTITUTE or COMPLEMENT"
    )
    one.set_defaults(run=commands.related)

    one = sub.add_parser("score", parents=[common], help="what products are to another")
    one.add_argument("first", metavar="A", help="the product that is asked about")
    one.add_argument("others", nargs="+", metavar="B", help="what it is to A, each by itself")
    one.add_argument("--text", action="store_true", help="A and B are texts, not product ids")
    one.set_defaults(run=commands.score)

    one = sub.add_parser("recommend", parents=[common, ranked], help="products for a shopper")
    one.add_argument("user", nargs="?", default="", metavar="USER")
    one.add_argument(
        "--kind", type=str.upper, default="PERSONALIZED", help="or BUY_AGAIN, or TRENDING"
    )
    one.add_argument("--exclude-purchased", action="store_true")
    one.set_defaults(run=commands.recommend)

    one = sub.add_parser("profile", parents=[common], help="what is known of a shopper")
    one.add_argument("user", metavar="USER")
    one.set_defaults(run=commands.profile)


def _add_products(
    sub: Commands, common: argparse.ArgumentParser, paged: argparse.ArgumentParser
) -> None:
    products = sub.add_parser("products", help="read and delete products")
    group = products.add_subparsers(required=True, metavar="ACTION")
    one = group.add_parser("get", parents=[common], help="one product")
    one.add_argument("product_id", metavar="PRODUCT")
    one.set_defaults(run=commands.products_get)
    one = group.add_parser("list", parents=[common, paged], help="products by id")
    one.set_defaults(run=commands.products_list)
    one = group.add_parser("delete", parents=[common], help="delete products")
    one.add_argument("product_ids", nargs="+", metavar="PRODUCT")
    one.set_defaults(run=commands.products_delete)


def _add_imports(sub: Commands, common: argparse.ArgumentParser) -> None:
    imports = sub.add_parser("import", help="stream JSON Lines into the server")
    group = imports.add_subparsers(required=True, metavar="WHAT")
    stream = argparse.ArgumentParser(add_help=False, parents=[common])
    stream.add_argument("file", metavar="F", help="one ProtoJSON message a line; - for stdin")
    stream.add_argument(
        "--import-timeout",
        type=_seconds,
        default=IMPORT_TIMEOUT_S,
        metavar="S",
        help="for all of it",
    )
    one = group.add_parser("products", parents=[stream], help="products")
    one.add_argument("--full", action="store_true", help="delete what the file does not name")
    one.add_argument("--force-delete", action="store_true", help="even more than a fifth")
    one.set_defaults(run=commands.import_products)
    one = group.add_parser("events", parents=[stream], help="events")
    one.set_defaults(run=commands.import_events)


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number of seconds")
    return value


if __name__ == "__main__":
    sys.exit(main())
