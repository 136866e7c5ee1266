"""Scores as `Recommend` makes them: the union of the sources' best, exactly rescored."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relatum_export.artifact.ranker import RankerFile, RankerSource
from relatum_export.evaluation.recommendation.served import PairCounts
from relatum_export.evaluation.transitions import TransitionSettings, normalised
from relatum_export.training.ranker.requests import BasketLog, Request
from relatum_export.training.ranker.sources import (
    Frequency,
    ItemPairs,
    Popularity,
    RecentCoPurchase,
    RecentPopularity,
    Source,
    Space,
)

BASKET_STEP = 0.9  # the server's, where a ranker's frequency states none


@dataclass(frozen=True, slots=True)
class Known:
    """What the sources of one system are made of.

    Attributes:
        items: how many the catalogue has.
        counts: of the history.
        text: text vectors, float32 [items, d].
        users: the user encoder as a source, if there is one.
        log: the shop's baskets along the clock, if it has one.
        space: vectors of one of the graph's spaces by name, float32 [items, d].
    """

    items: int
    counts: PairCounts
    text: NDArray[np.float32]
    users: Source | None
    log: BasketLog | None
    space: Callable[[str], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class ServedRanker:
    """The additive ranker over sources that are asked as a server asks them.

    Attributes:
        ranker: weights, powers, and how many products each source proposes.
        sources: those that know something here, by name.
    """

    ranker: RankerFile
    sources: dict[str, Source]

    @classmethod
    def of(cls, ranker: RankerFile, known: Known) -> "ServedRanker":
        """Make the sources that this shop allows; the others say nothing, as in a server."""
        made = {source.name: _source(source, known) for source in ranker.sources}
        return cls(ranker, {name: source for name, source in made.items() if source is not None})

    def scores(self, requests: Sequence[Request]) -> NDArray[np.float32]:
        """Float32 [requests, items]; -inf for what no source proposes."""
        total: NDArray[np.float32] | None = None
        proposed: NDArray[np.bool_] | None = None
        for spec in self.ranker.sources:
            if spec.name not in self.sources:
                continue
            found = self.sources[spec.name].scores(requests)
            np.maximum(found, np.float32(0.0), out=found)
            if total is None or proposed is None:
                proposed = np.zeros(found.shape, np.bool_)
                total = np.zeros(found.shape, np.float32)
            _propose(found, spec.candidates, proposed)
            _weigh(found, requests, spec)
            total += found
        if total is None or proposed is None:
            raise ValueError("a ranker of which no source knows anything of this shop")
        total[~proposed] = -np.inf
        if not self.ranker.repeats:
            for row, request in enumerate(requests):
                total[row, request.events] = -np.inf
        return total


def _weigh(scores: NDArray[np.float32], requests: Sequence[Request], spec: RankerSource) -> None:
    """Make scores what they add, in place."""
    if spec.power != 1.0:
        scores **= np.float32(spec.power)
    if spec.new_weight == spec.weight:
        scores *= np.float32(spec.weight)
        return
    owned = [np.unique(request.events) for request in requests]
    had = [np.float32(spec.weight) * scores[row, own] for row, own in enumerate(owned)]
    scores *= np.float32(spec.new_weight)
    for row, (own, values) in enumerate(zip(owned, had, strict=True)):
        scores[row, own] = values


def _propose(scores: NDArray[np.float32], count: int, proposed: NDArray[np.bool_]) -> None:
    """Mark each row's ``count`` highest scores above 0."""
    if not count:
        return
    items = scores.shape[1]
    if items <= count:
        proposed |= scores > 0
        return
    for row, line in enumerate(scores):
        above = np.flatnonzero(line > 0)  # few where a source knows few
        if len(above) > count:
            above = above[np.argpartition(line[above], len(above) - count)[-count:]]
        proposed[row, above] = True


def _source(spec: RankerSource, known: Known) -> Source | None:
    settings = spec.settings
    found: Source | None = None
    match spec.name:
        case "users":
            found = known.users
        case "transitions":
            how = TransitionSettings(
                int(settings["window"]),
                settings["step"],
                settings["backwards"],
                settings["popularity_power"],
                settings["history_step"],
            )
            weights = normalised(known.counts.transitions, known.counts.purchases, how)
            found = ItemPairs(weights.astype(np.float32), how.history_step)
        case "copurchase":
            found = ItemPairs(known.counts.associations, settings["history_step"], mean=True)
        case "recent_copurchase" if known.log is not None:
            found = RecentCoPurchase(known.log, settings["half_life_days"], settings["basket_step"])
        case "frequency" | "lasting_frequency":
            found = Frequency(known.items, settings.get("basket_step", BASKET_STEP))
        case "recent_popularity" if known.log is not None:
            found = RecentPopularity(known.log)
        case "popularity":
            found = Popularity(known.counts.purchases)
        case "text":
            found = Space(known.text, known.text, settings["history_step"])
        case "diffused":
            vectors = known.space("diffused")
            found = Space(vectors, vectors, settings["history_step"])
        case "complement":
            leading, led = known.space("complement_out"), known.space("complement_in")
            found = Space(leading, led, settings["history_step"])
    return found
