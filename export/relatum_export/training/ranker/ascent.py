"""Weights by their ranking: each is moved in turn while the mean NDCG@10 rises."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relatum_export.evaluation.metrics import dcg
from relatum_export.training.ranker.candidates import CandidateSet

DEPTH = 10
NEAR = 40  # best candidates by the first weights that may still be reached, of all and of new ones
NEW_SHARE = 0.5  # how much NDCG@10 of new items counts beside that of all
FACTORS = (0.0, 0.5, 0.7, 0.85, 1.2, 1.4, 2.0)
ROUNDS = 4
LEAST_GAIN = 1e-5
_DISCOUNT = 1.0 / np.log2(np.arange(2, DEPTH + 2))
_IDEAL = np.array([0.0] + [dcg(np.ones(n)) for n in range(1, DEPTH + 1)])


@dataclass(frozen=True, slots=True)
class _List:
    """The near candidates of each request, padded: what a ranking is read from.

    Attributes:
        columns: float64 [requests, near, weights].
        hits: float64 [requests, near].
        padded: where there is no candidate, bool [requests, near].
        ideal: of each request's NDCG@10, float64 [requests].
    """

    columns: NDArray[np.float64]
    hits: NDArray[np.float64]
    padded: NDArray[np.bool_]
    ideal: NDArray[np.float64]

    def figure(self, weights: NDArray[np.float64]) -> float:
        scores = self.columns @ weights
        scores[self.padded] = -np.inf
        depth = min(DEPTH, scores.shape[1])
        top = np.argpartition(-scores, depth - 1, axis=1)[:, :depth]
        values = np.take_along_axis(scores, top, axis=1)
        order = np.take_along_axis(top, np.argsort(-values, axis=1, kind="stable"), axis=1)
        gains = np.take_along_axis(self.hits, order, axis=1) @ _DISCOUNT[:depth]
        return float((gains / self.ideal).mean())


def ascend(
    candidates: CandidateSet,
    columns: NDArray[np.float64],
    first: NDArray[np.float64],
    chosen: NDArray[np.bool_],
    together: Sequence[int] = (),
) -> NDArray[np.float64]:
    """Better weights than ``first``, none negative; each is moved alone, then some together.

    What is maximised is NDCG@10 and, where shoppers' own items stay in the ranking, half of it over
    the items new to them: a softmax over all candidates cares as much for the hundredth place.

    Args:
        candidates: of the requests.
        columns: the sources' scores as they are weighed, float64 [candidates, weights].
        first: where the search begins, float64 [weights].
        chosen: requests to fit on, bool [requests].
        together: weights that are also moved as one, such as those of new items alone.

    **Source**: coordinate ascent on the ranking measure, Metzler and Croft 2007, Linear Feature-
    Based Models for Information Retrieval, section 4.2.
    """
    lists = [(1.0, _near(candidates, columns, first, chosen & (candidates.relevant > 0)))]
    if candidates.had.any():
        wanted = chosen & (candidates.relevant_new > 0)
        lists.append((NEW_SHARE, _near(candidates, columns, first, wanted, new=True)))
    lists = [(share, found) for share, found in lists if len(found.ideal)]

    def figure(weights: NDArray[np.float64]) -> float:
        return sum(share * found.figure(weights) for share, found in lists)

    weights = first.copy()
    typical = float(np.median(weights[weights > 0])) if (weights > 0).any() else 1.0
    best = figure(weights)
    moved = [[place] for place in range(len(weights))]
    if together:
        moved.append(list(together))
    for _ in range(ROUNDS):
        before = best
        for places in moved:
            start = weights[places]
            if len(places) == 1 and not start.any():
                start = np.full(1, 0.3 * typical)
            for factor in FACTORS:
                changed = weights.copy()
                changed[places] = start * factor
                if not changed.any():
                    continue
                found = figure(changed)
                if found > best + LEAST_GAIN:
                    best, weights = found, changed
        if best == before:
            break
    return weights


def _near(
    candidates: CandidateSet,
    columns: NDArray[np.float64],
    weights: NDArray[np.float64],
    chosen: NDArray[np.bool_],
    *,
    new: bool = False,
) -> _List:
    owners = candidates.owners
    lines = np.flatnonzero(chosen[owners] & ~candidates.had if new else chosen[owners])
    scores = columns[lines] @ weights
    order = lines[np.lexsort((-scores, owners[lines]))]
    owner = owners[order]
    starts = np.searchsorted(owner, owner)
    rank = np.arange(len(order)) - starts
    order, owner, rank = (part[rank < NEAR] for part in (order, owner, rank))
    row = (np.cumsum(chosen) - 1)[owner]
    shape = (int(chosen.sum()), NEAR)
    near = np.zeros((*shape, columns.shape[1]))
    hits, padded = np.zeros(shape), np.ones(shape, np.bool_)
    near[row, rank] = columns[order]
    hits[row, rank] = candidates.hits[order]
    padded[row, rank] = False
    relevant = candidates.relevant_new if new else candidates.relevant
    return _List(near, hits, padded, _IDEAL[np.minimum(relevant[chosen], DEPTH)])
