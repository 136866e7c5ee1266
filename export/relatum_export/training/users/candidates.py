"""Which items a step's softmax runs over: all that were bought, or a corrected sample of them.

**Source**: Bengio and Senecal 2008, Adaptive Importance Sampling, and Yi et al. 2019,
Sampling-Bias-Corrected Neural Modeling, section 3: the logit of a sampled item is lowered by the
logarithm of its chance to be there.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from relatum_export.training.users.batches import Batch
from relatum_export.training.users.softmax import Entries, SoftmaxTargets

NEGATIVE_POWER = 0.5  # of an item's count, in the chance to be drawn


@dataclass(frozen=True, slots=True)
class Pool:
    """A step's candidates.

    Attributes:
        rows: catalogue positions, ascending, int64 [candidates].
        column: candidate of each catalogue position, int64 [items]; -1 where it is none.
        wanted: the batch's targets in terms of candidates.
    """

    rows: torch.Tensor
    column: torch.Tensor
    wanted: SoftmaxTargets


class Candidates:
    """Deals the candidates of each batch.

    Items without an event in the fit are never among them: nothing would be learned of them but
    that nobody had bought them yet.

    Args:
        counts: events of each item, int64 [items].
        negatives: items drawn a step; None for the whole catalogue.
        smoothing: see ``SoftmaxTargets``.
    """

    def __init__(self, counts: NDArray[np.int64], negatives: int | None, smoothing: float) -> None:
        self._items = len(counts)
        self._smoothing = smoothing
        self._negatives = negatives
        self._all = np.flatnonzero(counts)
        power = counts[self._all].astype(np.float64) ** NEGATIVE_POWER
        self._chance = power / power.sum()
        self._cumulated = np.cumsum(self._chance)
        self._share = counts[self._all] / counts.sum()
        self._whole = self._columns(torch.from_numpy(self._all))

    def of(self, batch: Batch, rng: np.random.Generator) -> Pool:
        """The candidates of a batch: all, or those drawn and every item of the batch's targets."""
        if self._negatives is None:
            rows, column, bias = torch.from_numpy(self._all), self._whole, None
        else:
            drawn = np.searchsorted(
                self._cumulated, rng.random(self._negatives) * self._cumulated[-1]
            )
            targets = np.searchsorted(self._all, batch.target.column.numpy())
            places = np.union1d(drawn, targets)
            rows = torch.from_numpy(self._all[places])
            column = self._columns(rows)
            bias = torch.from_numpy(self._bias(places, len(targets)))
        target = Entries(batch.target.start, column[batch.target.column], batch.target.value)
        masked = _present(batch.seen, column) if batch.seen is not None else None
        return Pool(rows, column, SoftmaxTargets(target, masked, bias, self._smoothing))

    def _columns(self, rows: torch.Tensor) -> torch.Tensor:
        column = torch.full((self._items,), -1, dtype=torch.int64)
        column[rows] = torch.arange(len(rows))
        return column

    def _bias(self, places: NDArray[np.int64], targets: int) -> NDArray[np.float32]:
        """Minus log of the chance to be drawn, or to be a target of the batch."""
        assert self._negatives is not None  # noqa: S101 - the caller's branch
        absent = self._negatives * np.log1p(-self._chance[places])
        absent += targets * np.log1p(-np.minimum(self._share[places], 0.999999))
        bias: NDArray[np.float32] = (-np.log(-np.expm1(absent))).astype(np.float32)
        return bias


def _present(entries: Entries, column: torch.Tensor) -> Entries:
    """The entries whose item is a candidate, in terms of candidates."""
    found = column[entries.column]
    there = found >= 0
    kept = torch.cat([torch.zeros(1, dtype=torch.int64), torch.cumsum(there, 0)])
    return Entries(kept[entries.start], found[there], entries.value[there])
