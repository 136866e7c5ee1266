"""Averaging fine-tuned weights with the base's keeps the general ability of the base.

**Source**: Wortsman et al. 2022, "Robust fine-tuning of zero-shot models" (WiSE-FT), section 3.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import nn

RATIOS = (0.0, 0.25, 0.5, 0.75, 1.0)
UNMEASURED_RATIO = 0.5


@dataclass(frozen=True, slots=True)
class Score:
    """What a share of the fine-tuned weights is worth on valid.

    Attributes:
        gain: higher is better.
        harmless: whether it may be taken at all.
    """

    gain: float
    harmless: bool = True


@dataclass(frozen=True, slots=True)
class Averaged:
    """The chosen share of the fine-tuned weights, and the score of each share tried."""

    ratio: float
    scores: Mapping[float, Score]


def snapshot(module: nn.Module) -> dict[str, torch.Tensor]:
    """A copy of the weights."""
    return {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}


def interpolate(
    module: nn.Module,
    base: Mapping[str, torch.Tensor],
    tuned: Mapping[str, torch.Tensor],
    ratio: float,
) -> None:
    """Set the module's weights to (1 - ratio) x base + ratio x tuned."""
    mixed = {
        name: torch.lerp(tensor, tuned[name], ratio) if tensor.is_floating_point() else tensor
        for name, tensor in base.items()
    }
    module.load_state_dict(mixed)


def choose_average(
    module: nn.Module,
    base: Mapping[str, torch.Tensor],
    tuned: Mapping[str, torch.Tensor],
    measure: Callable[[], Score] | None,
    *,
    known: Mapping[float, Score] | None = None,
    fixed: float | None = None,
) -> Averaged:
    """Leave the module with the best average; ratio 0, the base itself, is among them.

    Three shares are measured beyond the base: half, all, and the one between the better of these
    and its better neighbour.

    Args:
        module: the transformer whose weights are set.
        base: weights before training.
        tuned: weights after training.
        measure: of the module as it stands, on valid; without it the weights are averaged half
            and half.
        known: scores measured before, by ratio; without the base's it is worth 0.
        fixed: the share to take, whatever it is worth; None to choose.
    """
    if measure is None or fixed is not None:
        taken = UNMEASURED_RATIO if fixed is None else fixed
        interpolate(module, base, tuned, taken)
        return Averaged(taken, {} if measure is None else {0.0: Score(0.0), taken: measure()})
    scores = {0.0: Score(0.0)} | dict(known or {})
    for ratio in (1.0, 0.5, None):
        tried = _between(scores) if ratio is None else ratio
        if tried not in scores:
            interpolate(module, base, tuned, tried)
            scores[tried] = measure()
    best = _best(scores)
    interpolate(module, base, tuned, best)
    return Averaged(best, scores)


def _best(scores: Mapping[float, Score]) -> float:
    """The share with the highest gain of those that do no harm; the smaller wins a tie."""
    allowed = [ratio for ratio, score in scores.items() if score.harmless]
    return max(allowed, key=lambda ratio: (scores[ratio].gain, -ratio))


def _between(scores: Mapping[float, Score]) -> float:
    """A quarter off the best share, towards the better of what stands beside it."""
    best = _best(scores)
    if best in (0.0, 1.0):
        return 0.25 if best == 0.0 else 0.75
    lower, upper = scores[0.0], scores[1.0]
    up = upper.harmless and upper.gain > lower.gain
    return 0.75 if up else 0.25
