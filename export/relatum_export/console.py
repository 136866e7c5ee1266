"""What the commands print: progress bars for people, plain lines for logs, JSON for programs."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

PLAIN_INTERVAL_S = 10.0


class Reporter:
    """Progress goes to standard error, results to standard output.

    With ``as_json`` the only thing on standard output is one JSON document.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self._err = Console(stderr=True, highlight=False)
        self._out = Console(highlight=False)

    def info(self, line: str) -> None:
        """Say one line of progress."""
        self._err.print(line, markup=False, soft_wrap=True)

    @contextmanager
    def progress(self, label: str, total: int) -> Iterator[Callable[[int], None]]:
        """Yield ``advance(n)``; a bar with rate and time left, or plain lines off a terminal."""
        if self._err.is_terminal:
            columns = (
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]}"),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
            )
            started = time.monotonic()
            with Progress(*columns, console=self._err) as bar:
                task = bar.add_task(label, total=total, rate="")

                def advance(n: int) -> None:
                    bar.advance(task, n)
                    done = bar.tasks[0].completed
                    rate = done / max(time.monotonic() - started, 1e-6)
                    bar.update(task, rate=f"{rate:,.0f}/s")

                yield advance
            return
        yield _PlainProgress(self.info, label, total).advance

    def result(self, payload: Mapping[str, Any] | Sequence[Any], *tables: Table) -> None:
        """Print the command's result: the payload as JSON, or the tables for a person."""
        if self.as_json:
            sys.stdout.write(json.dumps(payload, ensure_ascii=False, indent=2) + "\n")
            return
        for table in tables:
            self._out.print(table)


class _PlainProgress:
    """A line at the start, every ten seconds, and at the end: what a log wants."""

    def __init__(self, say: Callable[[str], None], label: str, total: int) -> None:
        self._say, self._label, self._total = say, label, total
        self._done, self._started = 0, time.monotonic()
        self._last = self._started

    def advance(self, n: int) -> None:
        self._done += n
        now = time.monotonic()
        if self._done >= self._total or now - self._last >= PLAIN_INTERVAL_S:
            self._last = now
            rate = self._done / max(now - self._started, 1e-6)
            left = (self._total - self._done) / max(rate, 1e-6)
            self._say(
                f"{self._label}: {self._done:,}/{self._total:,} ({rate:,.0f}/s, {left:,.0f} s left)"
            )
