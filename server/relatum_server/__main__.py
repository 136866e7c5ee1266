"""The `relatum-server` command: settings, logging, build, serve."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from relatum_server import config, observability
from relatum_server.errors import RelatumError
from relatum_server.server import build
from relatum_server.signals import StopSignals

BAD_INPUT = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 2 bad input, 1 anything else."""
    options = vars(_parser().parse_args(argv))
    del options["command"]
    config_file = options.pop("config")
    flags = {name: value for name, value in options.items() if value is not None}
    try:
        return _serve(config.load(flags, config_file=config_file))
    except RelatumError as error:
        sys.stderr.write(f"relatum-server: {error.message}\n")
        return BAD_INPUT


def _serve(settings: config.Settings) -> int:
    observability.configure(settings.log_level)
    log = observability.logger("main")
    stop = StopSignals()
    server = build(settings)
    try:
        server.start()
        log.info("stopping", signal=stop.wait())
        server.drain()
    finally:
        server.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="relatum-server", description="Serve a relatum artifact over gRPC."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser(
        "serve",
        help="verify an artifact, load the catalogue and answer calls",
        epilog="Every flag is also an environment variable (RELATUM_DATA_DIR) and a key of the "
        "TOML file given by --config. Example: relatum-server serve --artifact A --data-dir D",
    )
    serve.add_argument("--config", type=Path, metavar="FILE", help="TOML file of settings")
    for name, field in config.Settings.model_fields.items():
        flag = f"--{name.replace('_', '-')}"
        default = "" if field.is_required() else f" (default: {field.default})"
        text = f"{field.description or ''}{default}".replace("%", "%%")
        kind: dict[str, Any] = {"metavar": name.rsplit("_", 1)[-1].upper()}
        if field.annotation is bool:
            kind = {"action": argparse.BooleanOptionalAction}
        serve.add_argument(flag, default=None, dest=name, help=text, **kind)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
