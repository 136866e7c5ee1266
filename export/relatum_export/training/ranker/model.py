"""The additive ranker: a score is the sum of what each source contributes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relatum_export.training.ranker.requests import Request
from relatum_export.training.ranker.sources import Source


@dataclass(frozen=True, slots=True)
class WeightedSource:
    """A source and what its scores weigh: weight x score^power, scores below 0 counting as 0.

    Attributes:
        source: of the scores.
        weight: where the shopper had the item.
        power: of the scores.
        new_weight: where the item is new to the shopper.
    """

    source: Source
    weight: float
    power: float
    new_weight: float

    def contributions(self, requests: Sequence[Request]) -> NDArray[np.float32]:
        """Float32 [requests, items]."""
        found = np.maximum(self.source.scores(requests), np.float32(0.0))
        if self.power != 1.0:
            found **= np.float32(self.power)
        if self.new_weight == self.weight:
            found *= np.float32(self.weight)
            return found
        for row, request in enumerate(requests):
            own = np.unique(request.events)
            had = np.float32(self.weight) * found[row, own]
            found[row] *= np.float32(self.new_weight)
            found[row, own] = had
        return found


@dataclass(frozen=True, slots=True)
class AdditiveRanker:
    """The sources by name; those of weight 0 are absent."""

    parts: Mapping[str, WeightedSource]

    def contributions(self, requests: Sequence[Request]) -> dict[str, NDArray[np.float32]]:
        """What each source adds, float32 [requests, items]."""
        return {name: part.contributions(requests) for name, part in self.parts.items()}

    def scores(self, requests: Sequence[Request]) -> NDArray[np.float32]:
        """The sum of the contributions, float32 [requests, items]."""
        parts = iter(self.parts.values())
        total = next(parts).contributions(requests)
        for part in parts:
            total += part.contributions(requests)
        return total
