"""Ranking measures of one list, and the order in which ties are broken.

Every protocol ranks with ``top_k`` and measures with the functions here, so that two systems
never differ by how a tie fell.
"""

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

F1_SAMPLES = 100


def top_k(scores: NDArray[np.floating], k: int) -> NDArray[np.intp]:
    """Positions of the ``k`` highest scores, best first; of equal scores the earlier position.

    The caller lays items out in the order in which ties are to be broken (by id, or by
    popularity and then id). Positions with a score of -inf are left out.
    """
    k = min(k, len(scores))
    if k == 0:
        return np.zeros(0, np.intp)
    least = np.partition(scores, len(scores) - k)[len(scores) - k]
    above = np.flatnonzero(scores > least)
    above = above[np.argsort(-scores[above], kind="stable")]
    ties = np.flatnonzero(scores == least)[: k - len(above)]  # many where most scores are 0
    order: NDArray[np.intp] = np.concatenate([above, ties])
    kept: NDArray[np.intp] = order[scores[order] > -np.inf]
    return kept


def dcg(gains: Sequence[float] | NDArray[np.floating]) -> float:
    """Discounted cumulative gain: sum of gain / log2(rank + 1), ranks from 1.

    **Source**: Burges et al. 2005, Learning to Rank using Gradient Descent, section 6 (with gains
    2^label - 1, given by the caller).
    """
    values = np.asarray(gains, dtype=np.float64)
    return float((values / np.log2(np.arange(2, len(values) + 2))).sum())


def ndcg(labels_in_order: Sequence[int], judged: Collection[int], k: int = 10) -> float:
    """NDCG at ``k`` of graded labels: gain 2^label - 1, ideal list from all judged labels.

    Raises:
        ValueError: no judged label is above 0, so that there is no ideal.
    """
    ideal = dcg([2.0**label - 1 for label in sorted(judged, reverse=True)[:k]])
    if ideal <= 0:
        raise ValueError("NDCG needs a judged label above 0")
    return dcg([2.0**label - 1 for label in labels_in_order[:k]]) / ideal


def ndcg_of_scores(scores: NDArray[np.floating], labels: NDArray[np.integer], k: int = 10) -> float:
    """NDCG at ``k`` of judged candidates re-ranked by score, candidates laid out by id.

    Raises:
        ValueError: no label is above 0.
    """
    return ndcg(labels[top_k(scores, k)].tolist(), labels.tolist(), k)


def binary_ndcg(hits: NDArray[np.bool_], relevant: int, k: int = 10) -> float:
    """NDCG at ``k`` of hits in rank order, ideal over min(k, relevant)."""
    return dcg(hits[:k].astype(np.float64)) / dcg(np.ones(min(k, relevant)))


def recall(hits: NDArray[np.bool_], relevant: int) -> float:
    """Share of the relevant items among the ranks given."""
    return float(hits.sum()) / relevant


def reciprocal_rank(hits: NDArray[np.bool_]) -> float:
    """1 / rank of the first hit, 0 without one."""
    found = np.flatnonzero(hits)
    return 1.0 / (found[0] + 1) if len(found) else 0.0


def best_f1_threshold(scores: NDArray[np.floating], matches: NDArray[np.bool_]) -> float:
    """The threshold from which calling a pair a match gives the highest F1; the highest such.

    It lies halfway between the last score that is called a match and the next one below.
    """
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    true = np.cumsum(matches[order])
    f1 = 2 * true / (np.arange(1, len(scores) + 1) + matches.sum())
    last_of_ties = np.append(ranked[1:] != ranked[:-1], True)
    last = int(np.argmax(np.where(last_of_ties, f1, -1.0)))
    below = ranked[min(last + 1, len(ranked) - 1)]
    return float((float(ranked[last]) + float(below)) / 2)


def steady_f1_threshold(scores: NDArray[np.floating], matches: NDArray[np.bool_]) -> float:
    """``best_f1_threshold`` averaged over bootstrap samples: what to use on other pairs.

    F1 over the threshold is a ragged curve, and its one best place moves with a few pairs. A sample
    without a match says nothing and is left out; if none has one, the plain best is taken.

    **Source**: Breiman 1996, Bagging predictors.
    """
    rng = np.random.default_rng(0)
    drawn = (rng.integers(len(scores), size=len(scores)) for _ in range(F1_SAMPLES))
    best = [best_f1_threshold(scores[rows], matches[rows]) for rows in drawn if matches[rows].any()]
    return float(np.mean(best)) if best else best_f1_threshold(scores, matches)
