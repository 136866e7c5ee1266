"""Averaging fine-tuned weights with the base's keeps the general ability of the base.

**Source**: Wortsman et al. 2022, "Robust fine-tuning of zero-shot models" (WiSE-FT), section 3.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from relatum_export.training.encoder import TextEncoder
from relatum_export.training.validation import RankingMetric

RATIOS = (0.0, 0.25, 0.5, 0.75, 1.0)
UNMEASURED_RATIO = 0.5


@dataclass(frozen=True, slots=True)
class Averaged:
    """The chosen share of the fine-tuned weights, and the metric of each share tried."""

    ratio: float
    scores: Mapping[float, float]


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
    encoder: TextEncoder,
    metric: RankingMetric | None,
    *,
    known: Mapping[float, float] | None = None,
    ratios: Sequence[float] = RATIOS,
) -> Averaged:
    """Leave the module with the best average; ratio 0, the base itself, is among them.

    Args:
        module: the transformer whose weights are set; ``encoder`` runs on it.
        base: weights before training.
        tuned: weights after training.
        encoder: what the metric measures.
        metric: on valid; without one the weights are averaged half and half.
        known: scores measured before, by ratio.
        ratios: shares of the tuned weights to try; the smaller wins a tie.
    """
    if metric is None:
        interpolate(module, base, tuned, UNMEASURED_RATIO)
        return Averaged(UNMEASURED_RATIO, {})
    scores = dict(known or {})
    for ratio in ratios:
        if ratio in scores:
            continue
        interpolate(module, base, tuned, ratio)
        scores[ratio] = metric.measure(encoder)
    best = max(scores, key=lambda ratio: (scores[ratio], -ratio))
    interpolate(module, base, tuned, best)
    return Averaged(best, scores)
