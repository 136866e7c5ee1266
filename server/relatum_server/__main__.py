"""The `relatum-server` command: serve, and what is done to a data directory beside it."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from relatum_server import config, observability
from relatum_server.errors import RelatumError
from relatum_server.maintenance import run_backup, run_doctor, run_restore
from relatum_server.server import build
from relatum_server.signals import StopSignals

BAD_INPUT = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 2 bad input, 1 anything else."""
    options = vars(_parser().parse_args(argv))
    command = options.pop("command")
    try:
        if command == "serve":
            config_file = options.pop("config")
            flags = {name: value for name, value in options.items() if value is not None}
            return _serve(config.load(flags, config_file=config_file))
        return _maintain(command, options)
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


def _maintain(command: str, options: dict[str, Any]) -> int:
    if command == "doctor":
        sound = True
        for finding in run_doctor(options["data_dir"], options["user_key_file"]):
            sound = sound and finding.sound
            todo = f"; {finding.remedy}" if finding.remedy else ""
            state = "sound" if finding.sound else "WRONG"
            sys.stdout.write(f"{state}  {finding.part:20} {finding.text}{todo}\n")
        return 0 if sound else 1
    if command == "backup":
        lines = run_backup(options["data_dir"], options["out"], with_key=options["key"])
    else:
        lines = run_restore(options["data_dir"], options["backup"])
    for line in lines:
        sys.stdout.write(f"{line}\n")
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
    _add_maintenance(commands)
    return parser


def _add_maintenance(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    backup = commands.add_parser(
        "backup", help="copy a data directory's store into a new folder; its server may run"
    )
    backup.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="a free name")
    backup.add_argument(
        "--key",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="with the shopper key that lies in the data directory (default: with)",
    )
    restore = commands.add_parser(
        "restore", help="put a backup in the place of what a data directory holds; server stopped"
    )
    restore.add_argument(
        "--from", type=Path, required=True, dest="backup", metavar="FOLDER", help="a backup"
    )
    doctor = commands.add_parser(
        "doctor",
        help="read all of a data directory and say what is not as it was written",
        epilog="Exit status 0: all is sound; 1: something is not, and each line says what to do.",
    )
    doctor.add_argument(
        "--user-key-file", type=Path, metavar="FILE", help="as given to serve (default: user.key)"
    )
    for command in (backup, restore, doctor):
        command.add_argument("--data-dir", type=Path, required=True, metavar="FOLDER", help="whose")


if __name__ == "__main__":
    raise SystemExit(main())
