"""Products that are bought together clearly more often than chance would bring them together.

A pair drawn from a basket is mostly two popular products that have nothing to do with each other;
a text encoder can learn nothing from it and be measured by nothing on it. What is left after the
counts are held against chance are the pairs that belong together: taco shells and taco sauce.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from relatum_export.corpus.bought_together import baskets
from relatum_export.corpus.folder import Corpus
from relatum_export.training.products import Catalogue

MIN_COUNT = 3  # baskets with both: two can be one shopper's habit
MIN_LIFT = 3.0  # times as often as chance
MIN_G2 = 10.83  # chi-squared of one degree of freedom at p = .001
PARTNERS = 10  # the most significant ones kept of each product, so that no product drowns the rest
MAX_BASKET = 100  # groups; a longer basket is a stock list
MIN_PAIRS = 1000  # fewer: the shop has too few baskets to tell


@dataclass(frozen=True, slots=True)
class Association:
    """Two products, each standing for its group, that are bought together.

    Attributes:
        a: row of the catalogue.
        b: row of the catalogue.
        count: baskets with both groups.
    """

    a: int
    b: int
    count: int


def associations(corpus: Corpus, catalogue: Catalogue, split: str) -> list[Association]:
    """The associated pairs of one split's baskets; empty where they are too few to tell.

    Variants of one product (a group) count as one, and its most bought product stands for it.
    Order: as the groups first appear in the catalogue.
    """
    events = corpus.table("events") if corpus.has("events") else None
    bundles = corpus.table("bundles") if corpus.has("bundles") else None
    if events is None and bundles is None:
        return []
    row_of = {item_id: row for row, item_id in enumerate(catalogue.ids)}
    number: dict[str, int] = {}
    groups = [number.setdefault(group, len(number)) for group in catalogue.groups]
    bought = np.zeros(len(catalogue.ids), dtype=np.int64)
    found: list[list[int]] = []
    for basket in baskets(events, bundles, split):
        rows = [row_of[item] for item in basket if item in row_of]
        bought[rows] += 1
        found.append(sorted({groups[row] for row in rows}))
    counts, totals, size = pair_counts(found, len(number))
    kept = significant(counts, totals, size)
    if len(kept) < MIN_PAIRS:
        return []
    face = _faces(np.array(groups), bought, len(number))
    return [
        Association(int(face[counts.row[i]]), int(face[counts.col[i]]), int(counts.data[i]))
        for i in kept
    ]


def pair_counts(
    found: Sequence[Sequence[int]], groups: int
) -> tuple[sparse.coo_matrix, NDArray[np.float64], int]:
    """How many baskets hold two groups together, and each alone.

    Args:
        found: distinct groups of each basket.
        groups: how many groups there are.

    Returns:
        The upper triangle of [groups, groups]; float64 [groups]; the number of baskets. Baskets
        of one group count for the totals, those of more than ``MAX_BASKET`` for nothing.
    """
    usable = [basket for basket in found if basket and len(basket) <= MAX_BASKET]
    columns = np.array([group for basket in usable for group in basket], dtype=np.int64)
    rows = np.repeat(np.arange(len(usable)), [len(basket) for basket in usable])
    matrix = sparse.csr_matrix(
        (np.ones(len(columns), np.float32), (rows, columns)), (len(usable), groups)
    )
    together = sparse.triu(matrix.T @ matrix, 1).tocoo()
    return together, np.asarray(matrix.sum(axis=0), np.float64).ravel(), len(usable)


def significant(
    counts: sparse.coo_matrix, totals: NDArray[np.float64], baskets: int
) -> NDArray[np.int64]:
    """Positions in ``counts`` of the pairs that chance does not explain, ascending.

    Of each group only the ``PARTNERS`` pairs of the greatest G2; a pair stays if it is among
    those of either side.

    **Source**: G2 of a pair's count against independence: Dunning 1993, Accurate Methods for the
    Statistics of Surprise and Coincidence, section 4, here by the Poisson approximation for rare
    pairs, 2 (k ln(k / E) - (k - E)).
    """
    seen = counts.data.astype(np.float64)
    expected = totals[counts.row] * totals[counts.col] / max(1, baskets)
    g2 = 2.0 * (seen * np.log(seen / expected) - (seen - expected))
    kept = np.flatnonzero((seen >= MIN_COUNT) & (seen >= MIN_LIFT * expected) & (g2 >= MIN_G2))
    sides = np.concatenate([counts.row[kept], counts.col[kept]])
    pairs = np.concatenate([kept, kept])
    order = np.lexsort((pairs, -g2[pairs], sides))
    sides, pairs = sides[order], pairs[order]
    rank = np.arange(len(sides)) - np.searchsorted(sides, sides)
    return np.unique(pairs[rank < PARTNERS])


def _faces(groups: NDArray[np.int64], bought: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """The most bought product of each group, the earlier in the catalogue on a tie."""
    order = np.lexsort((np.arange(len(groups)), -bought, groups))
    face = np.zeros(count, dtype=np.int64)
    first = np.searchsorted(groups[order], np.arange(count))
    face[:] = order[first]
    return face
