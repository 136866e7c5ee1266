"""Cross-entropy over the catalogue, whole or sampled, without keeping its logits.

The logits of a batch are positions x catalogue and far larger than the model. They are made a few
rows at a time, turned into their own gradient in place, and multiplied back at once.

**Source**: Hsu et al. 2024, Liger Kernel, section 3.2 (fused linear cross-entropy), here with soft
targets, masked items and a bias for each item.
"""

from dataclasses import dataclass
from typing import Any

import torch

CHUNK_BYTES = {"cpu": 8 << 20, "cuda": 1 << 30}  # of logits: what a cache holds, or a GPU spares


@dataclass(frozen=True, slots=True)
class Entries:
    """A sparse [rows, columns] matrix.

    Attributes:
        start: where each row begins, int64 [rows + 1].
        column: int64 [entries].
        value: float32 [entries].
    """

    start: torch.Tensor
    column: torch.Tensor
    value: torch.Tensor

    def rows(self, low: int, high: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Row (from 0), column and value of the entries of rows ``low`` to ``high``."""
        begin, end = int(self.start[low]), int(self.start[high])
        counts = self.start[low + 1 : high + 1] - self.start[low:high]
        row = torch.repeat_interleave(torch.arange(high - low, device=counts.device), counts)
        return row, self.column[begin:end], self.value[begin:end]

    def to(self, device: torch.device) -> "Entries":
        """The same on another device."""
        return Entries(self.start.to(device), self.column.to(device), self.value.to(device))


@dataclass(frozen=True, slots=True)
class SoftmaxTargets:
    """What each row should predict.

    Attributes:
        target: weights that sum to 1 in each row.
        masked: items that are no candidates of a row, never one of its targets; values are 1.
        bias: added to the logit of an item that is not a row's own target, float32 [items]: minus
            the logarithm of its chance to be sampled. None where all items are there.
        smoothing: share of the target that is spread evenly over the row's candidates.
    """

    target: Entries
    masked: Entries | None = None
    bias: torch.Tensor | None = None
    smoothing: float = 0.0

    def to(self, device: torch.device) -> "SoftmaxTargets":
        """The same on another device."""
        return SoftmaxTargets(
            self.target.to(device),
            self.masked.to(device) if self.masked is not None else None,
            self.bias.to(device) if self.bias is not None else None,
            self.smoothing,
        )


class _CrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, queries: torch.Tensor, items: torch.Tensor, scale: float, wanted: SoftmaxTargets
    ) -> torch.Tensor:
        rows, columns = len(queries), len(items)
        grad_queries = torch.empty_like(queries)
        grad_items = torch.zeros_like(items)
        total = queries.new_zeros(())
        step = max(1, CHUNK_BYTES[queries.device.type] // (4 * columns))
        for low in range(0, rows, step):
            high = min(rows, low + step)
            part = queries[low:high]
            logits = torch.mm(part, items.T).mul_(scale)
            loss = _to_gradient(logits, wanted, low, high)
            total += loss
            logits.mul_(scale / rows)
            torch.mm(logits, items, out=grad_queries[low:high])
            grad_items.addmm_(logits.T, part)
        ctx.save_for_backward(grad_queries, grad_items)
        return total / rows

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, None, None]:
        grad_queries, grad_items = ctx.saved_tensors
        return grad * grad_queries, grad * grad_items, None, None


def _to_gradient(logits: torch.Tensor, wanted: SoftmaxTargets, low: int, high: int) -> torch.Tensor:
    """Turn logits into their gradient of the summed loss, in place; the summed loss."""
    row, column, weight = wanted.target.rows(low, high)
    own = logits[row, column]
    if wanted.bias is not None:
        logits.add_(wanted.bias)
        logits[row, column] = own
    hard = weight * (1.0 - wanted.smoothing)
    loss = -(hard * own).sum()
    masked = wanted.masked.rows(low, high)[:2] if wanted.masked is not None else None
    spread = None
    if wanted.smoothing:
        candidates = logits.new_full((len(logits),), logits.shape[1])
        sums = logits.sum(dim=1)
        if masked is not None:
            candidates -= torch.bincount(masked[0], minlength=len(logits))
            sums.index_add_(0, masked[0], logits[masked], alpha=-1.0)
        spread = wanted.smoothing / candidates
        loss -= (spread * sums).sum()
    if masked is not None:
        logits[masked] = -torch.inf
    total = torch.logsumexp(logits, dim=1, keepdim=True)
    loss += total.sum()
    logits.sub_(total).exp_()
    if spread is not None:
        logits.sub_(spread[:, None])
        if masked is not None:
            logits[masked] = 0.0
    logits.index_put_((row, column), -hard, accumulate=True)
    return loss


def cross_entropy(
    queries: torch.Tensor, items: torch.Tensor, scale: float, wanted: SoftmaxTargets
) -> torch.Tensor:
    """Mean over rows of the cross-entropy of softmax(scale x queries x items^T).

    Args:
        queries: float32 [rows, dimension].
        items: candidates' vectors, float32 [items, dimension].
        scale: 1 / temperature.
        wanted: see ``SoftmaxTargets``.

    Returns:
        float32 scalar; gradients flow to ``queries`` and ``items``.
    """
    loss: torch.Tensor = _CrossEntropy.apply(  # type: ignore[no-untyped-call,unused-ignore]
        queries, items, scale, wanted
    )
    return loss
