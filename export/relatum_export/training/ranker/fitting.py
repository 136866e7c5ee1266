"""Weights of the sources, none negative: by a softmax over the candidates, then by the ranking."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from relatum_export.evaluation.metrics import binary_ndcg, top_k
from relatum_export.training.ranker.ascent import NEW_SHARE, ascend
from relatum_export.training.ranker.candidates import CandidateSet

DEPTH = 10
Powers = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """What is chosen before weights are fitted.

    Attributes:
        powers: of the sources' scores, one a source.
        apart: whether what is new to the shopper has weights of its own.
    """

    powers: Powers
    apart: bool = False


@dataclass(frozen=True, slots=True)
class Weights:
    """What a score is made of: the sum over the sources of weight x score^power.

    Attributes:
        values: one a source, at least 0, float64 [sources].
        new_values: the same for items that are new to the shopper, float64 [sources]; what is
            seldom bought again may still be what is bought next.
        powers: one a source.
    """

    values: NDArray[np.float64]
    new_values: NDArray[np.float64]
    powers: Powers


class Problem:
    """One candidate set, arranged for repeated fits."""

    def __init__(self, candidates: CandidateSet, *, penalty: float) -> None:
        self.candidates = candidates
        self.owners = candidates.owners
        self._penalty = penalty
        self._raised: dict[tuple[int, float], tuple[NDArray[np.float64], float]] = {}

    def fit(self, shape: Shape, chosen: NDArray[np.bool_]) -> Weights:
        """Weights that make what the shoppers took likely, and then rank it high.

        Args:
            shape: powers, and which weights there are.
            chosen: requests to fit on, bool [requests].

        **Source**: softmax cross-entropy over the list, Cao et al. 2007, Learning to Rank: From
        Pairwise Approach to Listwise Approach (ListNet), section 4.3, with the relevant items
        sharing the target.
        """
        found = self.candidates
        hits_of = np.bincount(self.owners[found.hits], minlength=len(found.relevant))
        usable = chosen & (hits_of > 0)
        lines = usable[self.owners]
        powers = shape.powers
        every, scales = self._columns(shape)
        x = every[lines]
        if not len(x):
            return Weights(1.0 / scales, 1.0 / scales, powers)
        sizes = np.diff(found.starts)[usable]
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        owner = np.repeat(np.arange(len(sizes)), sizes)
        target = found.hits[lines] / hits_of[usable][owner]

        def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            score = x @ weights
            peak = np.maximum.reduceat(score, starts)
            mass = np.exp(score - peak[owner])
            total = np.add.reduceat(mass, starts)
            value = (np.log(total) + peak).sum() - target @ score
            gradient = x.T @ (mass / total[owner] - target)
            count = len(sizes)
            return (
                float(value / count + self._penalty * weights @ weights),
                gradient / count + 2.0 * self._penalty * weights,
            )

        start = np.full(x.shape[1], 0.1)
        bounds = [(0.0, None)] * len(start)
        result = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
        count = len(powers)
        of_new = range(count, x.shape[1])
        values = ascend(found, every, np.asarray(result.x), chosen, of_new)
        return Weights(values[:count] / scales, values[-count:] / scales, powers)

    def scores(self, weights: Weights) -> NDArray[np.float64]:
        """Float64 [candidates]."""
        total = np.zeros(len(self.owners))
        for source in range(len(weights.powers)):
            total += self.contributions(weights, source)
        return total

    def contributions(self, weights: Weights, source: int) -> NDArray[np.float64]:
        """What one source adds, float64 [candidates]."""
        column, scale = self._column(source, weights.powers[source])
        had, new = weights.values[source], weights.new_values[source]
        result: NDArray[np.float64] = np.where(self.candidates.had, had, new) * scale * column
        return result

    def ndcg(self, scores: NDArray[np.float64], *, new: bool = False) -> NDArray[np.float64]:
        """NDCG@10 of each request, NaN where nothing is relevant.

        Args:
            scores: of the candidates.
            new: of items new to the shopper alone.
        """
        found = self.candidates
        out = np.full(len(found.relevant), np.nan)
        wanted = found.relevant_new if new else found.relevant
        if new:
            scores = np.where(found.had, -np.inf, scores)
        for request in np.flatnonzero(wanted > 0):
            lines = slice(found.starts[request], found.starts[request + 1])
            hits = found.hits[lines][top_k(scores[lines], DEPTH)]
            out[request] = binary_ndcg(hits, int(wanted[request]), DEPTH)
        return out

    def _columns(self, shape: Shape) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The sources' columns, and their scales, float64 [sources].

        Apart, each source has two columns: of what the shopper had, and of what is new;
        [candidates, sources] and the same again.
        """
        columns = [self._column(source, power) for source, power in enumerate(shape.powers)]
        x = np.stack([column for column, _ in columns], axis=1)
        had = self.candidates.had[:, None]
        if shape.apart:
            x = np.concatenate([x * had, x * ~had], axis=1)
        return x, np.array([scale for _, scale in columns])

    def _column(self, source: int, power: float) -> tuple[NDArray[np.float64], float]:
        """A source's scores to the power, over their standard deviation; and that."""
        key = source, power
        if key not in self._raised:
            column = self.candidates.scores[:, source].astype(np.float64) ** power
            scale = (float(column.std()) if len(column) else 0.0) or 1.0
            self._raised[key] = column / scale, scale
        return self._raised[key]


def choose_shape(problem: Problem, tried: Powers, fold: NDArray[np.int64]) -> Shape:
    """The power, the same of all sources, and the weights with the best NDCG@10.

    Of equals the first power, and the fewer weights.

    Each fold is judged by weights that were fitted without it.

    Args:
        problem: the candidates.
        tried: powers to try.
        fold: of each request, int64 [requests].
    """

    def figure(shape: Shape) -> float:
        scores = np.zeros(len(problem.owners))
        for part in np.unique(fold):
            weights = problem.fit(shape, fold != part)
            own = fold[problem.owners] == part
            scores[own] = problem.scores(weights)[own]
        values = problem.ndcg(scores)
        total = 0.0 if np.isnan(values).all() else float(np.nanmean(values))
        if problem.candidates.had.any():
            values = problem.ndcg(scores, new=True)
            total += NEW_SHARE * (0.0 if np.isnan(values).all() else float(np.nanmean(values)))
        return total

    count = len(problem.candidates.names)
    repeated = bool(problem.candidates.had.any())
    shapes = [
        Shape((power,) * count, apart)
        for apart in ((False, True) if repeated else (False,))
        for power in tried
    ]
    return shapes[0] if len(shapes) == 1 else max(shapes, key=figure)
