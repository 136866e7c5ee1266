"""The `relatum-loadtest` command. Exit status: 0 done, 2 bad input, 1 no server."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from relatum.errors import RelatumError
from relatum.loadtest import load, report
from relatum.loadtest.method import bodies, find


def main(argv: Sequence[str] | None = None) -> int:
    """Run one load and print its report."""
    args = parser().parse_args(argv)
    window = load.Window(args.warmup, args.duration, args.timeout)
    try:
        method = find(args.rpc)
        requests = bodies(method, args.bodies)
        if args.rate is not None:
            done = load.open_loop(
                args.target, method, requests, args.rate, window,
                poisson=args.arrivals == "poisson", seed=args.seed,
            )  # fmt: skip
        else:
            done = load.closed_loop(args.target, method, requests, args.clients, window)
        if args.json:
            Path(args.json).write_text(report.as_json(done), encoding="utf-8")
        if args.html:
            Path(args.html).write_text(report.page(done), encoding="utf-8")
    except RelatumError as error:
        text, status = f"{args.target}: {error}", 1
    except ValueError as error:
        text, status = str(error), 2
    except OSError as error:
        text, status = f"{error.filename}: {error.strerror}; check the path", 2
    else:
        print(report.text(done))
        return 0
    print(f"relatum-loadtest: {text}", file=sys.stderr)
    return status


def parser() -> argparse.ArgumentParser:
    """The command line."""
    root = argparse.ArgumentParser(prog="relatum-loadtest", description="Load a relatum server.")
    root.add_argument("rpc", metavar="RPC", help="such as Search or SearchService/Search")
    root.add_argument("--target", required=True, help="HOST:PORT, or several joined by commas")
    loop = root.add_mutually_exclusive_group(required=True)
    loop.add_argument("--rate", type=_positive, metavar="R", help="open loop, calls a second")
    loop.add_argument("--clients", type=_count, metavar="N", help="closed loop of N clients")
    root.add_argument("--arrivals", choices=("poisson", "fixed"), default="poisson")
    root.add_argument("--seed", type=int, default=0, help="of the Poisson arrivals")
    root.add_argument("--duration", type=_positive, default=10.0, metavar="S", help="measured")
    root.add_argument("--warmup", type=_not_negative, default=1.0, metavar="S", help="before it")
    root.add_argument("--timeout", type=_positive, default=10.0, metavar="S", help="of one call")
    root.add_argument("--bodies", metavar="F", help="JSON Lines of ProtoJSON requests")
    root.add_argument("--json", metavar="F", help="write the figures here")
    root.add_argument("--html", metavar="F", help="write a page here")
    return root


def _not_negative(text: str) -> float:
    value = float(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is negative or not finite")
    return value


def _positive(text: str) -> float:
    value = _not_negative(text)
    if not value:
        raise argparse.ArgumentTypeError("must be above 0")
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is below 1")
    return value


if __name__ == "__main__":
    sys.exit(main())
