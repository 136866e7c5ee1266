"""The commands and servers that the demo starts, and the console that it tells of them on."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

BIN = Path(sys.executable).parent
console = Console(width=100)


def command(program: str, *arguments: object) -> None:
    """Run one command of the project and stop the demo if it fails."""
    line = [str(BIN / program), *map(str, arguments)]
    console.print(f"[dim]$ {program} {' '.join(map(str, arguments))}[/dim]", soft_wrap=True)
    started = time.monotonic()
    done = subprocess.run(line, check=False)  # noqa: S603 - the project's own commands
    if done.returncode:
        raise SystemExit(f"{program} ended with {done.returncode}")
    console.print(f"[dim]{time.monotonic() - started:,.0f} s[/dim]")


def load(target: str, what: str, file: Path) -> None:
    """Stream a file of lines into the server."""
    command("relatum", "import", what, file, "--target", target)


@contextmanager
def serving(artifact: Path, data_dir: Path) -> Iterator[str]:
    """A server of its own for the time of a block; yields its address."""
    log = data_dir.with_suffix(".log")
    line: Sequence[str] = [
        str(BIN / "relatum-server"), "serve", "--artifact", str(artifact),
        "--data-dir", str(data_dir), "--listen", "127.0.0.1:0",
    ]  # fmt: skip
    console.print(f"[dim]$ relatum-server {' '.join(line[1:])}[/dim]", soft_wrap=True)
    with log.open("w", encoding="utf-8") as stream:
        process = subprocess.Popen(line, stderr=stream)  # noqa: S603 - the project's own command
    try:
        yield wait_for_address(process, log)
    finally:
        process.terminate()
        process.wait(timeout=60)


def wait_for_address(process: "subprocess.Popen[bytes]", log: Path) -> str:
    """The address from the server's log, once it serves."""
    while process.poll() is None:
        for line in log.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            if entry.get("event") == "serving":
                return str(entry["address"])
        time.sleep(0.1)
    raise SystemExit(f"the server did not start; see {log}")
