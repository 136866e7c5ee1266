"""How wide a system's recommendations are: coverage, Gini, novelty, intra-list diversity."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from relatum_export.evaluation.evidence import Given
from relatum_export.evaluation.rows import Outcome, Row, mean_outcome, row_of

RECOMMENDING = ("next item", "next basket")  # kinds of protocol: lists for a shopper
Vectors = Callable[[Sequence[str]], NDArray[np.float32]]


def coverage(given: Given) -> float:
    """Share of the catalogue that anyone was given.

    **Source**: Herlocker et al. 2004, Evaluating Collaborative Filtering Recommender Systems, 5.1.
    """
    return len(np.unique(given.ranked[given.ranked >= 0])) / max(len(given.answers), 1)


def gini(given: Given) -> float:
    """Inequality of how often each product of the catalogue was given: 0 equal, 1 one alone.

    **Source**: Castells, Hurley and Vargas 2022, Novelty and Diversity in Recommender Systems,
    equation 9.
    """
    counts = np.sort(np.bincount(given.ranked[given.ranked >= 0], minlength=len(given.answers)))
    n, total = len(counts), counts.sum()
    if n < 2 or not total:  # noqa: PLR2004 - one product is no distribution
        return 0.0
    return float(((2 * np.arange(1, n + 1) - n - 1) * counts).sum() / ((n - 1) * total))


def novelty(given: Given, counts: Mapping[str, int]) -> NDArray[np.float64]:
    """Mean -log2 of the popularity of what each unit was given, in bits, float64 [units].

    Popularity is the share of train events, one added to each product's count.

    **Source**: Zhou et al. 2010, Solving the apparent diversity-accuracy dilemma, equation 5.

    Args:
        given: the lists.
        counts: train events by product; what is missing has none.
    """
    own = np.array([counts.get(answer, 0) + 1.0 for answer in given.answers])
    bits = -np.log2(own / own.sum())
    there = given.ranked >= 0
    total = np.where(there, bits[given.ranked], 0.0).sum(axis=1)
    return np.asarray(total / np.maximum(there.sum(axis=1), 1), np.float64)


def intra_list_diversity(given: Given, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean 1 - cosine over the pairs of each unit's list, float64 [units]; 0 for one product.

    **Source**: Ziegler et al. 2005, Improving Recommendation Lists Through Topic Diversification.

    Args:
        given: the lists.
        vectors: of the answers, rows of length 1 or 0, float32 [answers, d].
    """
    found = np.zeros(len(given.ranked))
    for i, row in enumerate(given.ranked):
        own = vectors[row[row >= 0]]
        n = len(own)
        if n > 1:
            # The sum over ordered pairs of different products, from the length of the sum.
            total = float(np.square(own.sum(axis=0)).sum() - np.square(own).sum())
            found[i] = 1 - total / (n * (n - 1))
    return found


def named_alone(given: Given) -> Given:
    """The same lists over the answers that somebody was given: a catalogue can be large."""
    named, place = np.unique(given.ranked, return_inverse=True)
    missing = int(np.searchsorted(named, 0))  # 1 where some list is short
    ranked = place.reshape(given.ranked.shape).astype(np.int64) - missing
    return Given([given.answers[i] for i in named[missing:].tolist()], ranked)


def beyond_accuracy(
    set_name: str,
    outcomes: Sequence[Outcome],
    counts: Mapping[str, int],
    vectors: Vectors | None,
) -> tuple[list[Row], list[Outcome]]:
    """Rows of what belongs to all lists together; outcomes of what belongs to each.

    Coverage and Gini belong to all lists at once, and a resample with repeats of the units would
    cover less than they do: those rows have no interval.

    Args:
        set_name: for the rows.
        outcomes: those with ``given`` are measured.
        counts: train events by product.
        vectors: of products, by id; None leaves the intra-list diversity out.
    """
    rows: list[Row] = []
    found: list[Outcome] = []
    for outcome in outcomes:
        given = outcome.evidence.given if outcome.evidence is not None else None
        cases = outcome.evidence.cases if outcome.evidence is not None else None
        if given is None or cases is None or cases.kind not in RECOMMENDING:
            continue
        rows += [
            row_of(set_name, outcome, "coverage", coverage(given)),
            row_of(set_name, outcome, "Gini", gini(given)),
        ]
        figures = {"novelty": novelty(given, counts)}
        if vectors is not None:
            few = named_alone(given)
            figures["ILD"] = intra_list_diversity(few, vectors(few.answers))
        units = list(outcome.units)
        found += [
            mean_outcome(outcome.split, outcome.system, measure, units, values.tolist())
            for measure, values in figures.items()
        ]
    return rows, found
