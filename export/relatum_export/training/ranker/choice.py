"""Choosing on valid: each source's settings alone, then the weights of all together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relatum_export.console import Reporter
from relatum_export.training.ranker.candidates import CandidateSet, collect
from relatum_export.training.ranker.fitting import Problem, Weights, choose_shape
from relatum_export.training.ranker.inputs import OWN, Inputs, SourceSettings
from relatum_export.training.ranker.requests import Request
from relatum_export.training.ranker.sources import Source

HALVES = 2  # each half's powers are judged by weights fitted on the other


@dataclass(frozen=True, slots=True)
class ChosenSource:
    """A source with the settings by which it alone ranks valid best.

    Attributes:
        source: fitted on train.
        settings: of it.
        alone: NDCG@10 on valid of each of the tried settings, the first the chosen one's; none
            where there was nothing to choose.
    """

    source: Source
    settings: SourceSettings
    alone: Sequence[tuple[SourceSettings, float]]


@dataclass(frozen=True, slots=True)
class Drawn:
    """The valid cases that are fitted on."""

    requests: Sequence[Request]
    relevant: Sequence[NDArray[np.int64]]
    cases: NDArray[np.int64]

    @classmethod
    def of(cls, inputs: Inputs) -> "Drawn":
        """At most ``fit_cases`` of valid, by a fixed draw."""
        requests, relevant = inputs.judged.requests["valid"], inputs.judged.relevant["valid"]
        count = min(inputs.settings.fit_cases, len(requests))
        rng = np.random.default_rng(inputs.settings.seed)
        cases = np.sort(rng.choice(len(requests), count, replace=False))
        return cls([requests[i] for i in cases], [relevant[i] for i in cases], cases)


def choose_sources(inputs: Inputs, drawn: Drawn, reporter: Reporter) -> dict[str, ChosenSource]:
    """Each source with its best settings; those of what is new to a shopper by new items alone.

    Args:
        inputs: what the sources are made of.
        drawn: the cases.
        reporter: for progress.
    """
    found = {}
    tried = inputs.tried()
    with reporter.progress("sources", len(tried)) as advance:
        for name, settings in tried.items():
            if len(settings) > 1:
                found[name] = _choose(inputs, drawn, name, settings)
            else:
                only = settings[0]
                found[name] = ChosenSource(inputs.source(name, only, "train"), only, ())
            advance(1)
    return found


def _choose(
    inputs: Inputs, drawn: Drawn, name: str, tried: Sequence[SourceSettings]
) -> ChosenSource:
    new = inputs.judged.repeats and name not in OWN
    figures: list[tuple[SourceSettings, float]] = []
    best: tuple[float, Source] | None = None
    for settings in tried:
        source = inputs.source(name, settings, "train")
        alone = _problem(inputs, drawn, {name: source})
        values = alone.ndcg(alone.scores(_only(alone)), new=new)
        figure = float(np.nanmean(values)) if not np.isnan(values).all() else 0.0
        figures.append((settings, figure))
        if best is None or figure > best[0]:
            best = figure, source
    if best is None:
        raise ValueError("no settings to choose from")
    figures.sort(key=lambda entry: -entry[1])
    return ChosenSource(best[1], figures[0][0], figures)


def collect_all(inputs: Inputs, drawn: Drawn, sources: Mapping[str, ChosenSource]) -> CandidateSet:
    """The candidates of the drawn cases by all the sources."""
    return collect(
        {name: chosen.source for name, chosen in sources.items()},
        drawn.requests,
        drawn.relevant,
        inputs.judged.order("train"),
        pool=inputs.settings.pool,
        repeats=inputs.judged.repeats,
    )


@dataclass(frozen=True, slots=True)
class Fitted:
    """The weights, and how they rank shoppers that they were not fitted on.

    Attributes:
        weights: fitted on all the drawn cases.
        held_out: candidates' scores by weights that were fitted without the shopper's fold, float64
            [candidates]; powers are of all the cases, being one of a few.
    """

    weights: Weights
    held_out: NDArray[np.float64]


def fit_weights(problem: Problem, inputs: Inputs, reporter: Reporter) -> Fitted:
    """Choose the shape on all cases; fit the weights on all, and once more without each fold."""
    settings = inputs.settings
    requests = len(problem.candidates.relevant)
    rng = np.random.default_rng(settings.seed)
    fold = rng.permutation(requests) % settings.folds
    half = rng.permutation(requests) % HALVES
    held_out = np.zeros(len(problem.owners))
    with reporter.progress("weights", settings.folds + 2) as advance:
        shape = choose_shape(problem, settings.powers, half)
        advance(1)
        for part in range(settings.folds):
            weights = problem.fit(shape, fold != part)
            own = fold[problem.owners] == part
            held_out[own] = problem.scores(weights)[own]
            advance(1)
        weights = problem.fit(shape, np.ones(requests, np.bool_))
        advance(1)
    return Fitted(weights, held_out)


def _problem(inputs: Inputs, drawn: Drawn, sources: Mapping[str, Source]) -> Problem:
    candidates = collect(
        sources,
        drawn.requests,
        drawn.relevant,
        inputs.judged.order("train"),
        pool=inputs.settings.pool,
        repeats=inputs.judged.repeats,
    )
    return Problem(candidates, penalty=inputs.settings.penalty)


def _only(problem: Problem) -> Weights:
    count = len(problem.candidates.names)
    return Weights(np.ones(count), np.ones(count), (1.0,) * count)
