"""From histories to padded batches: windows, targets, and who saw what before."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from relatum_export.training.users.histories import Histories, History
from relatum_export.training.users.settings import UserSettings
from relatum_export.training.users.softmax import Entries

HORIZON_STEP = 0.6
GAP_DROPOUT = 0.2  # so that a caller without times is answered well too
UNKNOWN_GAP = -1.0
POOL_BATCHES = 50  # windows are sorted by length within so many batches


@dataclass(frozen=True, slots=True)
class Window:
    """Part of a history that is read at once.

    Attributes:
        shopper: number of the history.
        start: first event read.
        stop: end of the events read.
        learn_from: first event whose next is a target here; those before are context.
    """

    shopper: int
    start: int
    stop: int
    learn_from: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Windows of near lengths.

    Attributes:
        shoppers: ids, for messages.
        items: int64 [batch, length], padded with 0 at the end.
        gap_days: float32 [batch, length].
        window: of each row to learn, int64 [rows].
        place: event of the window, int64 [rows].
        target: catalogue positions and weights of each row.
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
    """Cuts histories into windows and deals them out, a pass at a time.

    Args:
        histories: what is learned.
        settings: lengths, horizon and shares.
        repeats: whether what a shopper has is a target.
        time_gaps: whether gaps are read.
    """

    def __init__(
        self, histories: Histories, settings: UserSettings, *, repeats: bool, time_gaps: bool
    ) -> None:
        self._shoppers = histories.shoppers
        self._in_baskets = histories.in_baskets
        self._settings = settings
        self._repeats = repeats
        self._time_gaps = time_gaps
        step = HORIZON_STEP if settings.horizon_step is None else settings.horizon_step
        self._weights = step ** np.arange(settings.horizon, dtype=np.float32)
        self.windows = [
            window
            for number, shopper in enumerate(self._shoppers)
            for window in windows_of(number, len(shopper.items), settings.max_history)
        ]

    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches of a pass: a function of the seed and the pass's number alone."""
        rng = np.random.default_rng([self._settings.seed, number])
        order = rng.permutation(len(self.windows))
        lengths = np.array([w.stop - w.start for w in self.windows])[order]
        batches: list[NDArray[np.int64]] = []
        pool = max(1, POOL_BATCHES * self._settings.batch_events // max(1, int(lengths.mean())))
        for low in range(0, len(order), pool):
            near = order[low : low + pool][np.argsort(lengths[low : low + pool], kind="stable")]
            batches += _cut(near, self.windows, self._settings.batch_events)
        for i in rng.permutation(len(batches)):
            batch = self._collate([self.windows[j] for j in batches[i]], rng)
            if batch is not None:
                yield batch

    def _collate(self, windows: Sequence[Window], rng: np.random.Generator) -> Batch | None:
        width = max(w.stop - w.start for w in windows)
        items = np.zeros((len(windows), width), np.int64)
        gaps = np.full((len(windows), width), UNKNOWN_GAP, np.float32)
        backwards = rng.random(len(windows)) < self._settings.reversed_share
        told = rng.random(len(windows)) >= GAP_DROPOUT
        rows = _Rows()
        for i, window in enumerate(windows):
            shopper = self._shoppers[window.shopper]
            if backwards[i]:
                shopper = _turned(shopper)
            own = shopper.items[window.start : window.stop]
            items[i, : len(own)] = own
            if self._time_gaps and told[i] and not backwards[i]:
                gaps[i, : len(own)] = gaps_of(shopper.days)[window.start : window.stop]
            self._targets(i, shopper, window, rows)
        return rows.batch(
            tuple(self._shoppers[w.shopper].user for w in windows),
            torch.from_numpy(items),
            torch.from_numpy(gaps),
            seen=not self._repeats,
        )

    def _targets(self, i: int, shopper: History, window: Window, rows: "_Rows") -> None:
        for event in range(window.learn_from, window.stop):
            if self._in_baskets:
                begin = event + 1
                if begin >= len(shopper.items) or shopper.baskets[begin] == shopper.baskets[event]:
                    continue  # inside a basket the order says nothing
                end = np.searchsorted(shopper.baskets, shopper.baskets[begin], side="right")
                wanted = shopper.items[begin:end]
                weights = np.ones(len(wanted), np.float32)
            else:
                wanted = shopper.items[event + 1 : event + 1 + self._settings.horizon]
                weights = self._weights[: len(wanted)]
            seen = shopper.items[window.start : event + 1]
            if not self._repeats:
                new = ~np.isin(wanted, seen)
                wanted, weights = wanted[new], weights[new]
            if len(wanted):
                rows.add(i, event - window.start, wanted, weights, seen)


class _Rows:
    """Collects the rows of a batch."""

    def __init__(self) -> None:
        self._window: list[int] = []
        self._place: list[int] = []
        self._wanted: list[NDArray[np.int64]] = []
        self._weights: list[NDArray[np.float32]] = []
        self._seen: list[NDArray[np.int64]] = []

    def add(
        self,
        window: int,
        place: int,
        wanted: NDArray[np.int64],
        weights: NDArray[np.float32],
        seen: NDArray[np.int64],
    ) -> None:
        self._window.append(window)
        self._place.append(place)
        self._wanted.append(wanted)
        self._weights.append(weights / weights.sum())
        self._seen.append(seen)

    def batch(
        self, shoppers: tuple[str, ...], items: torch.Tensor, gaps: torch.Tensor, *, seen: bool
    ) -> Batch | None:
        if not self._window:
            return None
        before = [np.unique(s) for s in self._seen] if seen else []
        return Batch(
            shoppers,
            items,
            gaps,
            torch.tensor(self._window),
            torch.tensor(self._place),
            _entries(self._wanted, self._weights),
            _entries(before, [np.ones(len(s), np.float32) for s in before]) if seen else None,
        )


def windows_of(shopper: int, events: int, max_history: int) -> list[Window]:
    """Windows of at most ``max_history`` events in which every next event is learned once.

    Each but the first begins with at least half its length as context.
    """
    last = events - 1  # the last event is a target alone
    if last < 1:
        return []
    found = [Window(shopper, 0, min(last, max_history), 0)]
    half = max(1, max_history // 2)
    while found[-1].stop < last:
        done = found[-1].stop
        stop = min(last, done + half)
        found.append(Window(shopper, max(0, stop - max_history), stop, done))
    return found


def gaps_of(days: NDArray[np.float64]) -> NDArray[np.float32]:
    """Days from each event to the next; unknown for the last and without a clock."""
    gaps = np.append(np.diff(days), np.nan).astype(np.float32)
    return np.where(np.isnan(gaps), np.float32(UNKNOWN_GAP), np.maximum(gaps, 0.0))


def _turned(shopper: History) -> History:
    """The history backwards."""
    baskets = shopper.baskets[-1] - shopper.baskets[::-1]
    return History(shopper.user, shopper.items[::-1], baskets, shopper.days[::-1])


def _cut(
    near: NDArray[np.int64], windows: Sequence[Window], batch_events: int
) -> list[NDArray[np.int64]]:
    """Parts of ``near``, shortest windows first, each at most ``batch_events`` with padding."""
    parts, begin = [], 0
    for end in range(1, len(near) + 1):
        widest = windows[near[end]].stop - windows[near[end]].start if end < len(near) else 0
        if end == len(near) or (end + 1 - begin) * widest > batch_events:
            parts.append(near[begin:end])
            begin = end
    return parts


def _entries(
    columns: Sequence[NDArray[np.int64]], values: Sequence[NDArray[np.float32]]
) -> Entries:
    start = np.concatenate([[0], np.cumsum([len(c) for c in columns])])
    return Entries(
        torch.from_numpy(start),
        torch.from_numpy(np.concatenate(columns)),
        torch.from_numpy(np.concatenate(values)),
    )
