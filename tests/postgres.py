"""A real PostgreSQL for tests: Debian's own binaries under a user of their own, on loopback."""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

BINARIES = Path("/usr/lib/postgresql")
USER = "postgres"
START_TIMEOUT_S = 60.0


def binaries() -> Path | None:
    """Folder of the newest `initdb` of this machine, or None."""
    found = sorted(BINARIES.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


class PostgresServer:
    """One cluster in a folder of its own; `initdb` refuses root, so its user owns the folder."""

    def __init__(self) -> None:
        folder = binaries()
        if folder is None:
            raise RuntimeError(f"no PostgreSQL in {BINARIES}")
        self._binaries = folder
        self._as: dict[str, Any] = {}
        self.folder = Path(tempfile.mkdtemp(prefix="relatum-postgres-"))
        if os.getuid() == 0:
            account = pwd.getpwnam(USER)
            os.chown(self.folder, account.pw_uid, account.pw_gid)
            self._as = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        self._data = self.folder / "data"
        self._run("initdb", "-D", self._data, "-U", USER, "-A", "trust", "-E", "UTF8", "-N")
        self.port = _free_port()
        with (self._data / "postgresql.conf").open("a", encoding="utf-8") as settings:
            settings.write(
                f"port = {self.port}\nlisten_addresses = '127.0.0.1'\n"
                f"unix_socket_directories = '{self.folder}'\nmax_connections = 60\n"
            )

    @property
    def url(self) -> str:
        """Of its first database."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/postgres"

    def of_schema(self, name: str) -> str:
        """The URL that selects a schema."""
        return f"{self.url}?options=-csearch_path%3D{name}"

    def start(self) -> None:
        """Start, and wait until it takes connections; after a kill, until its children are gone."""
        end = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                self._run("pg_ctl", "-D", self._data, "-w", "-l", self.folder / "log", "start")
            except RuntimeError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)
            else:
                return

    def stop(self, mode: str = "fast") -> None:
        """Stop: smart, fast, or immediate (as a crash)."""
        self._run("pg_ctl", "-D", self._data, "-w", "-m", mode, "stop")

    def kill(self) -> None:
        """SIGKILL, as the kernel does when memory ends."""
        process = int((self._data / "postmaster.pid").read_text("ascii").split()[0])
        os.kill(process, signal.SIGKILL)

    def close(self) -> None:
        """Stop it if it runs, and remove all."""
        if (self._data / "postmaster.pid").exists():
            self.stop("immediate")
        shutil.rmtree(self.folder)

    def _run(self, program: str, *arguments: object) -> None:
        line = [str(self._binaries / program), *map(str, arguments)]
        done = subprocess.run(
            line,
            check=False,
            capture_output=True,
            text=True,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            **self._as,
        )
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stdout}{done.stderr}")


def _free_port() -> int:
    """One below those that connections take by themselves: nobody has it before the server does."""
    while True:
        port = 20_000 + secrets.randbelow(10_000)
        with socket.socket() as free:
            try:
                free.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
