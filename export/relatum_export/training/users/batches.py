"""Padded batches of windows of near lengths, dealt out a pass at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from relatum_export.training.users.histories import Histories
from relatum_export.training.users.settings import UserSettings
from relatum_export.training.users.softmax import Entries
from relatum_export.training.users.windows import UNKNOWN_GAP, Sparse, Window, windows_of

GAP_DROPOUT = 0.2  # so that a caller without times is answered well too
POOL_BATCHES = 50  # windows are sorted by length within so many batches


@dataclass(frozen=True, slots=True)
class Batch:
    """Windows of near lengths.

    Attributes:
        shoppers: ids, for messages.
        items: catalogue positions, int64 [batch, length], padded with an item of the window.
        gap_days: float32 [batch, length].
        window: of each row to learn, int64 [rows].
        place: event of the window, int64 [rows].
        target: catalogue positions, with weights that sum to 1, of each row.
        seen: catalogue positions that are no candidates of the row; None where repeats count.
    """

    shoppers: tuple[str, ...]
    items: torch.Tensor
    gap_days: torch.Tensor
    window: torch.Tensor
    place: torch.Tensor
    target: Entries
    seen: Entries | None


class BatchMaker:
    """Cuts histories into windows once, and deals them out anew in each pass.

    Args:
        histories: what is learned.
        settings: lengths and seed.
        repeats: whether what a shopper has is a target.
        time_gaps: whether gaps are read.
    """

    def __init__(
        self, histories: Histories, settings: UserSettings, *, repeats: bool, time_gaps: bool
    ) -> None:
        self._batch_events = settings.batch_events
        self._seed = settings.seed
        self._repeats = repeats
        self._time_gaps = time_gaps
        self.windows = [
            window
            for shopper in histories.shoppers
            for window in windows_of(
                shopper,
                settings.max_history,
                in_baskets=histories.in_baskets,
                repeats=repeats,
            )
        ]

    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches of a pass: a function of the seed and the pass's number alone."""
        rng = np.random.default_rng([self._seed, number])
        order = rng.permutation(len(self.windows))
        lengths = np.array([len(window.items) for window in self.windows])
        pool = max(1, int(POOL_BATCHES * self._batch_events / lengths.mean()))
        batches: list[NDArray[np.int64]] = []
        for low in range(0, len(order), pool):
            near = order[low : low + pool]
            near = near[np.argsort(lengths[near], kind="stable")]
            batches += _cut(near, lengths[near], self._batch_events)
        for i in rng.permutation(len(batches)):
            yield self._collate([self.windows[j] for j in batches[i]], rng)

    def _collate(self, windows: Sequence[Window], rng: np.random.Generator) -> Batch:
        width = max(len(window.items) for window in windows)
        items = np.empty((len(windows), width), np.int64)
        gaps = np.full((len(windows), width), UNKNOWN_GAP, np.float32)
        told = rng.random(len(windows)) >= GAP_DROPOUT
        for i, window in enumerate(windows):
            items[i] = window.items[0]
            items[i, : len(window.items)] = window.items
            if self._time_gaps and told[i]:
                gaps[i, : len(window.items)] = window.gap_days
        rows = [len(window.places) for window in windows]
        return Batch(
            tuple(window.user for window in windows),
            torch.from_numpy(items),
            torch.from_numpy(gaps),
            torch.from_numpy(np.repeat(np.arange(len(windows)), rows)),
            torch.from_numpy(np.concatenate([window.places for window in windows])),
            _entries([window.targets for window in windows]),
            None if self._repeats else _entries([window.seen for window in windows]),
        )


def _cut(
    near: NDArray[np.int64], lengths: NDArray[np.int64], batch_events: int
) -> list[NDArray[np.int64]]:
    """Parts of ``near``, shortest windows first, each at most ``batch_events`` with padding."""
    parts, begin = [], 0
    for end in range(1, len(near) + 1):
        if end == len(near) or (end + 1 - begin) * lengths[end] > batch_events:
            parts.append(near[begin:end])
            begin = end
    return parts


def _entries(parts: Sequence[Sparse]) -> Entries:
    """All rows one below the other; each row's entries weigh alike and 1 together."""
    counts = np.concatenate([np.diff(part.start) for part in parts])
    start = np.concatenate([[0], np.cumsum(counts)])
    weight = np.repeat(1.0 / np.maximum(counts, 1), counts).astype(np.float32)
    column = np.concatenate([part.column for part in parts])
    return Entries(torch.from_numpy(start), torch.from_numpy(column), torch.from_numpy(weight))
