"""Candidates of a request: the union of each source's best, with what all sources say of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relatum_export.training.ranker.requests import Request, batches
from relatum_export.training.ranker.sources import Source


@dataclass(frozen=True, slots=True)
class CandidateSet:
    """Requests with their candidates, request after request.

    Attributes:
        names: of the sources.
        starts: where each request's candidates begin, int64 [requests + 1].
        items: item positions, in the order in which equal scores are ranked, int64 [candidates].
        scores: of each source, float32 [candidates, sources], nothing below 0.
        hits: which candidates the shopper took next, bool [candidates].
        had: which the shopper had before, bool [candidates].
        relevant: how many items the shopper took next, candidate or not, int64 [requests].
        relevant_new: how many of them the shopper had not had before, int64 [requests].
    """

    names: tuple[str, ...]
    starts: NDArray[np.int64]
    items: NDArray[np.int64]
    scores: NDArray[np.float32]
    hits: NDArray[np.bool_]
    had: NDArray[np.bool_]
    relevant: NDArray[np.int64]
    relevant_new: NDArray[np.int64]

    @property
    def owners(self) -> NDArray[np.int64]:
        """The request of each candidate, int64 [candidates]."""
        return np.repeat(np.arange(len(self.relevant)), np.diff(self.starts))


def collect(
    sources: Mapping[str, Source],
    requests: Sequence[Request],
    relevant: Sequence[NDArray[np.int64]],
    order: NDArray[np.intp],
    *,
    pool: int,
    repeats: bool,
) -> CandidateSet:
    """Score the catalogue by every source and keep the union of each one's best.

    Args:
        sources: by name.
        requests: whose candidates.
        relevant: what each shopper took next.
        order: item positions in the order in which equal scores are ranked.
        pool: best of each source.
        repeats: whether what the shopper has is a candidate.
    """
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    items, scores, hits, had, new = [], [], [], [], []
    at = 0
    for part in batches(requests, len(order)):
        found = [np.maximum(source.scores(part), 0.0) for source in sources.values()]
        for row, request in enumerate(part):
            own = np.zeros(len(order), np.bool_)
            own[request.events] = True
            lines = [score[row] for score in found]
            best = np.unique(np.concatenate([_best(line, pool) for line in lines]))
            if not repeats:
                best = best[~own[best]]
            best = best[np.argsort(place[best])]
            items.append(best)
            scores.append(np.stack([line[best] for line in lines], axis=1))
            hits.append(np.isin(best, relevant[at]))
            had.append(own[best])
            new.append(np.count_nonzero(~own[relevant[at]]))
            at += 1
    sizes = np.array([len(best) for best in items], np.int64)
    return CandidateSet(
        tuple(sources),
        np.concatenate([[0], np.cumsum(sizes)]),
        np.concatenate(items),
        np.concatenate(scores),
        np.concatenate(hits),
        np.concatenate(had),
        np.array([len(taken) for taken in relevant], np.int64),
        np.array(new, np.int64),
    )


def _best(scores: NDArray[np.float32], pool: int) -> NDArray[np.intp]:
    """Positions of the highest scores above 0, at most ``pool``."""
    if len(scores) > pool:
        top = np.argpartition(scores, len(scores) - pool)[len(scores) - pool :]
    else:
        top = np.arange(len(scores))
    return top[scores[top] > 0]
