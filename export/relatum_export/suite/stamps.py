"""Steps that run once for what they depend on: an interrupted suite goes on where it stopped."""

import hashlib
import json
import os
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relatum_export.atomic_file import write_text
from relatum_export.console import Reporter
from relatum_export.errors import ExportError, InputError
from relatum_export.suite import child
from relatum_export.suite.code import code_key, command_module
from relatum_export.suite.content import content_key

RESTART = "--no-resume"  # of the commands that else go on from a checkpoint
# Flags whose value changes no figure; what the baselines came to is an input of its own.
ASIDE = ("--cache", "--html", "--baselines")


class StepError(ExportError):
    """A step of the suite ended with an error; its log says which.

    Attributes:
        exit_status: 2 where the step refused its input, as a command by itself would end; else 1.
    """

    def __init__(self, message: str, *, refused: bool = False) -> None:
        super().__init__(message)
        self.exit_status = (InputError if refused else ExportError).exit_status


class StepStoppedError(StepError):
    """A step was stopped from without: a training goes on from its checkpoint next time."""


class Stop:
    """Ends the commands that run, and lets no other begin."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a signal may ask while the same thread does
        self._running: set[subprocess.Popen[bytes]] = set()
        self.asked = False

    def begin(self, line: Sequence[str], **how: Any) -> "subprocess.Popen[bytes]":
        """Start a command, unless a stop was asked for.

        Raises:
            StepStoppedError: it was.
        """
        with self._lock:
            if self.asked:
                raise StepStoppedError("stopped; the same command goes on from here")
            process = subprocess.Popen(line, **how)  # noqa: S603
            self._running.add(process)
        return process

    def ended(self, process: "subprocess.Popen[bytes]") -> None:
        """Forget a command that ended."""
        with self._lock:
            self._running.discard(process)

    def ask(self) -> None:
        """End every command that runs."""
        with self._lock:
            self.asked = True
            for process in self._running:
                process.terminate()


@dataclass(frozen=True, slots=True)
class Step:
    """One `relatum-export` command and what its result depends on.

    Attributes:
        name: for people and for the log, such as ``bundles_food/train-ranker``.
        arguments: of the command.
        out: what the command writes, a folder or a file.
        inputs: files and folders whose content the result depends on.
        replace: flags with which the command writes over a result of something else.
        program: the package that is run.
    """

    name: str
    arguments: tuple[str, ...]
    out: Path
    inputs: tuple[Path, ...]
    replace: tuple[str, ...] = ()
    program: str = "relatum_export"

    def key(self) -> str:
        """SHA-256 over arguments, inputs and code, lower-case hex; no path is part of it.

        Raises:
            StepError: an input is missing.
        """
        parts = self.bare_arguments()
        for path in self.inputs:
            if not path.exists():
                raise StepError(f"{path} is missing; the step that writes it did not run")
            parts.append(content_key(path))
        parts.append(code_key(command_module(self.arguments)))
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def bare_arguments(self) -> list[str]:
        """The arguments without where things lie: inputs by number, results not at all."""
        names = {str(path): f"<input {place}>" for place, path in enumerate(self.inputs)}
        names[str(self.out)] = "<out>"
        found: list[str] = []
        words = iter(self.arguments)
        for word in words:
            if word in ASIDE:
                next(words)
            else:
                found.append(names.get(word, word))
        return found


def stamp_of(out: Path) -> Path:
    """Where the stamp of a result lies: beside it."""
    return out.with_name(f"{out.name}.stamp.json")


def started_of(out: Path) -> Path:
    """Where the key of a step that runs lies, so that a kill can be told."""
    return out.with_name(f"{out.name}.started")


def replacing(step: Step, key: str) -> tuple[str, ...]:
    """Flags with which a step writes over what is there; none where it goes on instead."""
    if not step.out.exists():
        return ()
    started = started_of(step.out)
    killed = started.is_file() and started.read_text(encoding="utf-8") == key
    return () if killed and RESTART in step.replace else step.replace


def is_finished(out: Path) -> bool:
    """Whether the step that writes a result ran to its end."""
    return out.exists() and stamp_of(out).is_file()


def run(
    steps: Sequence[Step],
    logs: Path,
    reporter: Reporter,
    *,
    stop: Stop | None = None,
    threads: int | None = None,
) -> None:
    """Run those steps, in order, whose stamp does not fit.

    A training that was killed goes on from its checkpoint if it still depends on the same.

    Args:
        steps: each may depend on those before it.
        logs: folder of what the commands print.
        reporter: for people.
        stop: ends them from another thread.
        threads: of each command's arithmetic; None leaves it to the libraries.

    Raises:
        StepError: a command ended with another status than 0; later steps did not run.
    """
    logs.mkdir(parents=True, exist_ok=True)
    for step in steps:
        key, stamp = step.key(), stamp_of(step.out)
        if is_finished(step.out) and json.loads(stamp.read_text(encoding="utf-8"))["key"] == key:
            reporter.info(f"{step.name}: kept")
            continue
        stamp.unlink(missing_ok=True)
        flags, started = replacing(step, key), started_of(step.out)
        write_text(started, key)
        log = logs / f"{step.name.replace('/', '.')}.log"
        try:
            seconds = _run(step, flags, log, stop or Stop(), threads)
        except StepStoppedError:
            raise
        except StepError:
            started.unlink()  # a step that failed by itself begins anew
            raise
        started.unlink()
        reporter.info(f"{step.name}: {seconds:,.0f} s")
        body = {"key": key, "arguments": step.arguments, "seconds": round(seconds, 1)}
        write_text(stamp, json.dumps(body, indent=2) + "\n")


def _run(step: Step, replace: Sequence[str], log: Path, stop: Stop, threads: int | None) -> float:
    line = child.command(step.program, *step.arguments, *replace)
    count = {} if threads is None else {"OMP_NUM_THREADS": str(threads)}
    started = time.monotonic()
    with log.open("w", encoding="utf-8") as stream:
        how = {"stdout": stream, "stderr": subprocess.STDOUT, "env": {**os.environ, **count}}
        process = stop.begin(line, **how)
        try:
            status = process.wait()
        finally:
            stop.ended(process)
    if status < 0 or (status and stop.asked):
        raise StepStoppedError(f"{step.name} was stopped; the same command goes on from here")
    if status:
        last = log.read_text(encoding="utf-8").strip().splitlines()[-1:]
        cause = f"{step.name} ended with {status}: {''.join(last)} (see {log})"
        raise StepError(cause, refused=status == InputError.exit_status)
    return time.monotonic() - started
