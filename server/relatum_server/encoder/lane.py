"""The queue of one lane of the batcher, and which of its texts run together."""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from numpy.typing import NDArray


@dataclass(slots=True, eq=False)
class Request:
    """One caller's texts, on their way. Used under the batcher's lock, but for `future`.

    Attributes:
        deadline: On the batcher's clock; None is never.
        vectors: float32 [texts, dimension], filled row by row.
        missing: Rows still to fill.
        future: Gives `vectors` when all rows are there.
    """

    deadline: float | None
    vectors: NDArray[np.float32]
    missing: int
    future: "Future[NDArray[np.float32]]" = field(default_factory=Future)

    def is_late(self, now: float) -> bool:
        """Whether the deadline has passed."""
        return self.deadline is not None and now >= self.deadline

    def deliver(self, position: int, vector: NDArray[np.float32]) -> None:
        """Fill one row; the last one completes the request unless it failed before."""
        self.vectors[position] = vector
        self.missing -= 1
        if self.missing == 0 and not self.future.done():
            self.future.set_result(self.vectors)

    def fail(self, error: Exception) -> None:
        """Fail the request unless it is done; the first error counts."""
        if not self.future.done():
            self.future.set_exception(error)


@dataclass(slots=True, eq=False)
class WaitingText:
    """One tokenised text (int64 [tokens]) of a request, and when it came."""

    request: Request
    position: int
    ids: NDArray[np.int64]
    since: float


class LaneQueue:
    """Waiting texts, oldest first, counted in tokens. Used under the batcher's lock."""

    def __init__(self) -> None:
        self.tokens = 0
        self._texts: deque[WaitingText] = deque()

    def __bool__(self) -> bool:
        return bool(self._texts)

    def extend(self, texts: Sequence[WaitingText]) -> None:
        """Let texts wait behind the others."""
        self._texts.extend(texts)
        self.tokens += sum(len(text.ids) for text in texts)

    def drop(self, unwanted: Callable[[WaitingText], bool]) -> list[WaitingText]:
        """Take out, and return, what is not to be run."""
        dropped = [text for text in self._texts if unwanted(text)]
        if dropped:
            self._texts = deque(text for text in self._texts if not unwanted(text))
            self.tokens -= sum(len(text.ids) for text in dropped)
        return dropped

    def pop_late(self, now: float, window: int) -> list[WaitingText]:
        """Take out, and return, those of the first `window` whose deadline has passed."""
        if not any(text.request.is_late(now) for text in islice(self._texts, window)):
            return []
        candidates = self._pop(window)
        self._put_back([text for text in candidates if not text.request.is_late(now)])
        return [text for text in candidates if text.request.is_late(now)]

    def take(self, max_tokens: int, window: int) -> list[WaitingText]:
        """The oldest text and those of the first `window` that are nearest to it in length."""
        candidates = self._pop(window)
        chosen = nearest_in_length([len(text.ids) for text in candidates], max_tokens)
        self._put_back([text for i, text in enumerate(candidates) if i not in chosen])
        return [candidates[i] for i in sorted(chosen)]

    def _pop(self, count: int) -> list[WaitingText]:
        popped = [self._texts.popleft() for _ in range(min(count, len(self._texts)))]
        self.tokens -= sum(len(text.ids) for text in popped)
        return popped

    def _put_back(self, texts: Sequence[WaitingText]) -> None:
        self._texts.extendleft(reversed(texts))
        self.tokens += sum(len(text.ids) for text in texts)


def nearest_in_length(lengths: Sequence[int], max_tokens: int) -> set[int]:
    """Which texts to run with the first: nearest in length, within the padded budget.

    The oldest text is always in, so none waits for ever for others of its length.

    Args:
        lengths: Tokens of each waiting text, oldest first; not empty.
        max_tokens: Bound of texts x longest. The first is taken whatever its length.

    Returns:
        Positions in `lengths`, 0 among them.
    """
    chosen = {0}
    longest = lengths[0]
    for i in sorted(range(1, len(lengths)), key=lambda i: abs(lengths[i] - lengths[0])):
        would_be_longest = max(longest, lengths[i])
        if (len(chosen) + 1) * would_be_longest <= max_tokens:
            chosen.add(i)
            longest = would_be_longest
    return chosen
