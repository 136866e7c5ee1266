"""Lines of ProtoJSON from a file into a stream, with bad lines reported and progress shown."""

import sys
import time
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Generic, TextIO, TypeVar

from google.protobuf import json_format

from relatum.v1 import event_pb2, product_pb2

Message = TypeVar("Message", product_pb2.Product, event_pb2.Event)

REDRAW_S = 0.5
# Where nobody watches a terminal, a log wants a line now and then.
LOG_S = 10.0


class BadLineError(ValueError):
    """A line that is no message, where every line must be."""


@contextmanager
def opened(name: str) -> Iterator[tuple[BinaryIO, int]]:
    """A file's bytes and how many there are; "-" is standard input, of unknown size 0.

    Raises:
        OSError: It cannot be read.
    """
    if name == "-":
        yield sys.stdin.buffer, 0
        return
    path = Path(name)
    with path.open("rb") as stream:
        yield stream, path.stat().st_size


class LineReader(Generic[Message]):
    """Messages of JSON Lines, in order.

    Attributes:
        read: Messages handed out.
        bad: Lines that are none.
        numbers: Line number, from 1, of each message handed out.
    """

    def __init__(
        self, stream: BinaryIO, size: int, kind: type[Message], *, strict: bool, report: TextIO
    ) -> None:
        self._stream = stream
        self._kind: type[Message] = kind
        self._strict = strict
        self._report = report
        self._progress = Progress(size, report)
        self.read = 0
        self.bad = 0
        self.numbers = array("Q")

    def __iter__(self) -> Iterator[Message]:
        """The messages.

        Raises:
            BadLineError: A line is no message, under `strict`.
        """
        position = 0
        for number, line in enumerate(self._stream, 1):
            position += len(line)
            if not line.strip():
                continue
            message = self._kind()
            try:
                json_format.Parse(line.decode("utf-8-sig"), message)
            except (json_format.ParseError, UnicodeDecodeError, ValueError) as error:
                self.bad += 1
                cause = " ".join(str(error).split())
                if self._strict:
                    raise BadLineError(f"line {number}: {cause}") from error
                self._progress.clear()
                self._report.write(f"line {number}: {cause}\n")
                continue
            self.read += 1
            self.numbers.append(number)
            yield message
            self._progress.show(self.read, position)
        self._progress.clear()


class Progress:
    """Count, rate and time left: redrawn on a terminal, a line every ten seconds elsewhere."""

    def __init__(self, size: int, out: TextIO) -> None:
        self._size = size
        self._out = out
        self._terminal = out.isatty()
        self._every_s = REDRAW_S if self._terminal else LOG_S
        self._started = self._shown = time.monotonic()
        self._drawn = False

    def show(self, count: int, position: int) -> None:
        """Say how far it is, if it is time to."""
        now = time.monotonic()
        if now - self._shown < self._every_s:
            return
        self._shown = now
        spent = now - self._started
        text = f"{count:,} sent, {count / spent:,.0f}/s"
        if self._size and position:
            left_s = spent * (self._size - position) / position
            text += f", {position / self._size:.0%}, {left_s:,.0f} s left"
        self._out.write(f"\r\x1b[K{text}" if self._terminal else f"{text}\n")
        self._out.flush()
        self._drawn = self._terminal

    def clear(self) -> None:
        """Take the line away, so that other text starts on its own."""
        if self._drawn:
            self._out.write("\r\x1b[K")
            self._drawn = False
