"""The fused cross-entropy is the plain one: value and gradients."""

import pytest
import torch

from relatum_export.training.users import softmax
from relatum_export.training.users.softmax import Entries, SoftmaxTargets, cross_entropy

ROWS, ITEMS, DIMENSION, SCALE = 5, 11, 4, 3.0
TARGET = Entries(
    torch.tensor([0, 1, 3, 4, 5, 6]),
    torch.tensor([2, 0, 5, 7, 10, 3]),
    torch.tensor([1.0, 0.25, 0.75, 1.0, 1.0, 1.0]),
)
MASKED = Entries(torch.tensor([0, 2, 2, 3, 3, 4]), torch.tensor([0, 1, 8, 9]), torch.ones(4))


def dense(entries: Entries) -> torch.Tensor:
    matrix = torch.zeros(ROWS, ITEMS)
    row, column, value = entries.rows(0, ROWS)
    matrix[row, column] = value
    return matrix


def plain(queries, items, wanted: SoftmaxTargets) -> torch.Tensor:
    target = dense(wanted.target)
    logits = SCALE * queries @ items.T
    if wanted.bias is not None:
        logits = torch.where(target > 0, logits, logits + wanted.bias)
    candidates = torch.ones_like(target)
    if wanted.masked is not None:
        candidates -= dense(wanted.masked)
    log_share = torch.log_softmax(logits.masked_fill(candidates == 0, -torch.inf), dim=1)
    spread = candidates / candidates.sum(dim=1, keepdim=True)
    target = (1 - wanted.smoothing) * target + wanted.smoothing * spread
    return -(target * log_share.masked_fill(candidates == 0, 0.0)).sum(dim=1).mean()


@pytest.mark.parametrize("chunk", [1, 2 * 4 * ITEMS, 1 << 20], ids=["1 row", "2", "all"])
@pytest.mark.parametrize("masked", [None, MASKED], ids=["all items", "seen masked"])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("biased", [False, True], ids=["whole", "sampled"])
def test_value_and_gradients_are_those_of_the_plain_cross_entropy(
    monkeypatch, chunk, masked, smoothing, biased
):
    monkeypatch.setitem(softmax.CHUNK_BYTES, "cpu", chunk)
    draw = torch.Generator().manual_seed(0)
    bias = torch.rand(ITEMS, generator=draw) if biased else None
    wanted = SoftmaxTargets(TARGET, masked, bias, smoothing)
    queries, items = (torch.randn(n, DIMENSION, generator=draw) for n in (ROWS, ITEMS))
    ours = queries.clone().requires_grad_(), items.clone().requires_grad_()
    theirs = queries.clone().requires_grad_(), items.clone().requires_grad_()

    fused = cross_entropy(ours[0], ours[1], SCALE, wanted)
    (2.0 * fused).backward()
    expected = plain(theirs[0], theirs[1], wanted)
    (2.0 * expected).backward()

    assert float(fused.detach()) == pytest.approx(float(expected.detach()), rel=1e-5)
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine.grad, other.grad, rtol=1e-4, atol=1e-6)
