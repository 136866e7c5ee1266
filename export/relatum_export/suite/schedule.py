"""Chains of steps side by side: within a chain in order, the longest chain first."""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TypeVar

from relatum_export.console import Reporter
from relatum_export.suite import stamps
from relatum_export.suite.stamps import Step, StepError, StepStoppedError, Stop

MOST_JOBS = 4  # a training takes up to 3 GB
HEARS_S = 1.0  # of a signal that came to another thread than the one that waits
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Chain:
    """Steps of which each may depend on those before it, and no other chain on any.

    Attributes:
        name: for people.
        steps: in order.
        logs: folder of what they print.
    """

    name: str
    steps: Sequence[Step]
    logs: Path


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def default_jobs() -> int:
    """Steps side by side: one a core, within memory."""
    return min(cores(), MOST_JOBS)


def run(chains: Sequence[Chain], reporter: Reporter, jobs: int) -> Iterator[str]:
    """Run chains side by side and yield the name of each when it is done.

    A chain that fails leaves the others alone; the first failure is raised after all.

    Args:
        chains: started in this order.
        reporter: for people.
        jobs: chains at once; the cores are shared out among them.

    Raises:
        StepError: a step ended with another status than 0.
    """
    stop, threads = Stop(), max(1, cores() // jobs)
    failed: StepError | None = None
    with stopped_by_signals(stop), ThreadPoolExecutor(jobs) as pool:

        def one(chain: Chain) -> str:
            stamps.run(chain.steps, chain.logs, reporter, stop=stop, threads=threads)
            return chain.name

        running: set[Future[str]] = {pool.submit(one, chain) for chain in chains}
        try:
            while running:
                done, running = wait(running, HEARS_S, FIRST_COMPLETED)
                for future in done:
                    error = future.exception()
                    if error is None:
                        yield future.result()
                    elif isinstance(error, StepError):
                        if not isinstance(error, StepStoppedError):
                            reporter.info(str(error))
                        failed = failed or error
                    else:
                        raise error
        finally:  # nothing is left behind when who asked goes away
            stop.ask()
    if failed is not None:
        raise failed


def tabulated(
    chains: Sequence[Chain],
    write: Callable[[list[str]], list[T]],
    reporter: Reporter,
    jobs: int | None,
) -> list[T]:
    """Run chains and write a table of those that are done after each, in the chains' order.

    Args:
        chains: see ``run``.
        write: from the names of the chains that are done to the table's lines.
        reporter: for people.
        jobs: chains at once; by default one a core.

    Returns:
        What ``write`` returned last.

    Raises:
        StepError: a step ended with another status than 0; the others are in the table.
    """
    lines: list[T] = []
    done: set[str] = set()
    for name in run(chains, reporter, jobs or default_jobs()):
        done.add(name)
        lines = write([chain.name for chain in chains if chain.name in done])
    return lines


@contextmanager
def stopped_by_signals(stop: Stop) -> Iterator[None]:
    """End the commands that run when this process is told to end (SIGTERM, SIGINT)."""

    def ask(_number: int, _frame: FrameType | None) -> None:
        stop.ask()

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
