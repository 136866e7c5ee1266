"""Real servers in processes of their own, for tests and benchmarks."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

START_TIMEOUT_S = 180.0
STOP_TIMEOUT_S = 90.0


class ServerProcess:
    """One `relatum-server serve` on a free (or the given) port of 127.0.0.1."""

    def __init__(
        self,
        artifact: Path,
        data_dir: Path,
        *,
        port: int = 0,
        flags: tuple[str, ...] = (),
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.log = Path(tempfile.mkstemp(suffix=".jsonl", prefix="relatum-server-")[1])
        self._stream = self.log.open("w", encoding="utf-8")
        self.process = subprocess.Popen(
            [
                sys.executable, "-m", "relatum_server", "serve", "--artifact", str(artifact),
                "--data-dir", str(data_dir), "--listen", f"127.0.0.1:{port}", *flags,
            ],
            stderr=self._stream,
            env={**os.environ, "PYTHONFAULTHANDLER": "1", **(env or {})},
        )  # fmt: skip

    def wait_serving(self) -> str:
        """Block until the server says that it serves; its address."""
        end = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < end:
            for line in self.log.read_text(encoding="utf-8").splitlines():
                entry = json.loads(line) if line.startswith("{") else {}
                if entry.get("event") == "serving":
                    return str(entry["address"])
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended: {self.log.read_text(encoding='utf-8')}")
            time.sleep(0.02)
        raise TimeoutError(f"not serving after {START_TIMEOUT_S} s")

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, wait, and return the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(timeout=STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired as hang:
            self.process.send_signal(signal.SIGABRT)  # faulthandler writes each thread's stack
            self.process.wait()
            raise RuntimeError(f"did not stop: {self.log.read_text(encoding='utf-8')}") from hang
        finally:
            self._stream.close()


@contextmanager
def serving(artifact: Path, data_dir: Path, *flags: str) -> Iterator[str]:
    """A server for the time of a block; yields its address."""
    server = ServerProcess(artifact, data_dir, flags=flags)
    try:
        yield server.wait_serving()
    finally:
        server.stop()


@contextmanager
def bare_rpc(reply_bytes: int) -> Iterator[str]:
    """A server that answers every call with as many zero bytes; yields its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.bare_rpc", str(reply_bytes)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        if process.stdout is None:
            raise RuntimeError("no pipe to the bare server")
        yield f"127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.terminate()
        process.wait(timeout=30)
