"""Windows over a history: what is read at once, what is learned after each event, what was seen."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relatum_export.training.users.histories import History

UNKNOWN_GAP = -1.0


@dataclass(frozen=True, slots=True)
class Sparse:
    """Item lists of several rows: row i has ``column[start[i]:start[i + 1]]``, int64 both."""

    start: NDArray[np.int64]
    column: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Window:
    """Part of a history that is read at once.

    Attributes:
        user: the shopper.
        items: catalogue positions of the events read, int64 [events].
        gap_days: float32 [events], see ``gaps_of``.
        places: events after which something is learned, int64 [rows].
        targets: what comes next after each of them.
        seen: what was read up to each of them; empty where repeats count.
    """

    user: str
    items: NDArray[np.int64]
    gap_days: NDArray[np.float32]
    places: NDArray[np.int64]
    targets: Sparse
    seen: Sparse


def windows_of(
    history: History, max_history: int, *, in_baskets: bool, repeats: bool
) -> list[Window]:
    """Windows of at most ``max_history`` events in which every next event is learned once.

    Each but the first begins with at least half its length as context. Without baskets the target
    is the next event; with them the whole next basket, after the last event of each basket, because
    the order within a basket means nothing. Windows in which nothing is learned are left out.

    Args:
        history: one shopper's.
        max_history: events read at most.
        in_baskets: whether events come in baskets.
        repeats: whether what the shopper has is a target.
    """
    gaps = gaps_of(history.days)
    found = []
    for start, stop, learn_from in _spans(len(history.items), max_history):
        window = _window(history, gaps, (start, stop, learn_from), in_baskets, repeats)
        if len(window.places):
            found.append(window)
    return found


def gaps_of(days: NDArray[np.float64]) -> NDArray[np.float32]:
    """Days from each event to the next; -1, unknown, for the last and without a clock."""
    gaps = np.append(np.diff(days), np.nan).astype(np.float32)
    return np.where(np.isnan(gaps), np.float32(UNKNOWN_GAP), np.maximum(gaps, np.float32(0.0)))


def _spans(events: int, max_history: int) -> list[tuple[int, int, int]]:
    """First event, end, and first event whose next is learned, of each window."""
    last = events - 1  # the last event is a target alone
    if last < 1:
        return []
    found = [(0, min(last, max_history), 0)]
    half = max(1, max_history // 2)
    while (done := found[-1][1]) < last:
        stop = min(last, done + half)
        found.append((max(0, stop - max_history), stop, done))
    return found


def _window(
    history: History,
    gaps: NDArray[np.float32],
    span: tuple[int, int, int],
    in_baskets: bool,
    repeats: bool,
) -> Window:
    start, stop, learn_from = span
    items = history.items[start:stop]
    events = np.arange(learn_from, stop)
    if in_baskets:
        events = events[history.baskets[events] != history.baskets[events + 1]]
        ends = np.searchsorted(history.baskets, history.baskets[events + 1], side="right")
    else:
        ends = events + 2
    targets = [history.items[e + 1 : end] for e, end in zip(events, ends, strict=True)]
    seen: list[NDArray[np.int64]] = [np.zeros(0, np.int64) for _ in events]
    if not repeats:
        first = np.sort(np.unique(items, return_index=True)[1])
        seen = [items[first[: np.searchsorted(first, e - start, side="right")]] for e in events]
        targets = [t[~np.isin(t, s)] for t, s in zip(targets, seen, strict=True)]
    kept = [i for i, target in enumerate(targets) if len(target)]
    return Window(
        history.user,
        items,
        gaps[start:stop],
        events[kept] - start,
        _sparse([targets[i] for i in kept]),
        _sparse([seen[i] for i in kept]),
    )


def _sparse(rows: list[NDArray[np.int64]]) -> Sparse:
    start = np.concatenate([[0], np.cumsum([len(row) for row in rows], dtype=np.int64)])
    return Sparse(start, np.concatenate([np.zeros(0, np.int64), *rows]))
