"""The synchronous server against grpc.aio with the same handlers: ``python -m tests.bench.aio``.

All three servers run over copies of the data that `make bench-main` left; rounds are interleaved.
Writes build/bench/aio.json: of each server and RPC the median latency with one client and the calls
a second with sixteen.
"""

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.bench import main as main_bench
from tests.bench import processes, rows

ROUNDS = 5
SECONDS = 3
BODIES = {
    "EmbedTexts": lambda product_id: {"texts": [product_id]},
    "ListRelated": lambda product_id: {"productId": product_id, "pageSize": 20},
    "Search": lambda product_id: {"query": f"milk {product_id}", "pageSize": 20},
}


def main() -> int:
    """Measure and write the rows."""
    ids = main_bench.product_ids(500)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        targets = {}
        for name in ("sync", "aio", "aio-uvloop"):
            data = folder / name
            shutil.copytree(main_bench.BUILD / "data", data)
            served = (
                processes.serving(main_bench.BUILD / "artifact", data, "--embedding-cache-mib", "0")
                if name == "sync"
                else aio_server(data, "uvloop" if name == "aio-uvloop" else "asyncio")
            )
            targets[name] = stack.enter_context(served)
        measured = []
        for rpc, body in BODIES.items():
            bodies = folder / f"{rpc}.jsonl"
            bodies.write_text("".join(json.dumps(body(one)) + "\n" for one in ids))
            figures: dict[tuple[str, str], list[float]] = {}
            for _ in range(ROUNDS):
                for name, target in targets.items():
                    alone = load(target, rpc, bodies, clients=1)
                    crowd = load(target, rpc, bodies, clients=16)
                    figures.setdefault((name, "ms"), []).append(alone["latency_ms"]["p50"])
                    figures.setdefault((name, "calls/s"), []).append(crowd["goodput"])
            for (name, unit), values in figures.items():
                measured.append(
                    rows.of_runs(
                        f"{rpc}/{name}",
                        values,
                        unit,
                        better="higher" if unit == "calls/s" else "lower",
                    )
                )
                sys.stdout.write(f"{rpc:12} {name:11} {statistics.median(values):9.2f} {unit}\n")
    rows.write(main_bench.BUILD / "aio.json", measured)
    return 0


def load(target: str, rpc: str, bodies: Path, *, clients: int) -> dict[str, Any]:
    """A run of the load tester in a process of its own; its report."""
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        subprocess.run(
            [
                sys.executable, "-m", "relatum.loadtest", rpc, "--target", target, "--clients",
                str(clients), "--bodies", str(bodies), "--warmup", "0.5", "--duration",
                str(SECONDS), "--json", report.name,
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        done = json.loads(Path(report.name).read_text(encoding="utf-8"))
    if done["errors"]:
        raise SystemExit(f"{rpc} at {target}: {done['errors']}")
    return dict(done)


@contextmanager
def aio_server(data: Path, loop: str) -> Iterator[str]:
    """The server on grpc.aio; yields its address."""
    artifact = main_bench.BUILD / "artifact"
    process = subprocess.Popen(
        [
            sys.executable, "-m", "tests.bench.aio_server", "--loop", loop,
            "--artifact", str(artifact), "--data-dir", str(data),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    try:
        if process.stdout is None:
            raise RuntimeError("no pipe to the server")
        yield f"127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.terminate()
        process.wait(timeout=60)


if __name__ == "__main__":
    raise SystemExit(main())
