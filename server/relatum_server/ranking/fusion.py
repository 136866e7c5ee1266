"""How the legs of a search and the spaces of a relation become one score."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class SearchWeights:
    """Weights of the legs of a hybrid search.

    Attributes:
        text: of the cosine of query and product.
        lexical: of BM25 over the query's best, beside the cosine. It finds more in a whole
            catalogue and orders what was found no better; docs/benchmarks.md has the figures that
            the default was set by, an artifact brings its own.
        rerank: the same where the caller names the products.
        alone: the same without the cosine; it moves no order.
        profile: of the cosine of the shopper's profile and the product.
    """

    text: float = 1.0
    lexical: float = 0.2
    rerank: float = 0.2
    alone: float = 0.2
    profile: float = 0.08


@dataclass(frozen=True, slots=True)
class RelationWeights:
    """Weights of the parts of a relation.

    Attributes:
        text: of the inner product in the text space.
        words: of the similarity of words, beside each 1 of text; the artifact's.
        behaviour: of the inner product in the behaviour space.
        copurchase: of the association in baskets, 0..1.
        complement_behaviour: of the inner product in the behaviour space, for complements.
        complement: of what the anchor leads to, over the most that it leads to.
        category: added where a complement is of another category, or a substitute of the same.
        bought_together: taken from a substitute for its association in baskets with the anchor.
        back_off: of what goes with the products nearest in text, for one without baskets.
    """

    text: float = 0.5
    words: float = 0.0
    behaviour: float = 0.5
    copurchase: float = 1.0
    complement_behaviour: float = 0.2
    complement: float = 0.5
    category: float = 0.05
    bought_together: float = 0.5
    back_off: float = 0.5


def by_largest(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Non-negative scores [n] divided by their largest; zeros stay zeros."""
    largest = scores.max(initial=0.0)
    return scores / largest if largest > 0 else np.zeros_like(scores)


def association(
    together: NDArray[np.float64], baskets_a: float, baskets_b: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Cosine of two products' baskets, 0..1: counts of both over the root of the counts of each.

    A pair seen once says little, so a constant is added below, which shrinks rare pairs.

    Args:
        together: float64 [n], baskets with both.
        baskets_a: baskets with the anchor.
        baskets_b: float64 [n], baskets with each candidate.

    **Source**: cosine of item columns, Sarwar et al. 2001, Item-Based Collaborative Filtering,
    section 3.1.1; shrinkage as in Koren and Bell 2011, section 5.4.1.
    """
    shrink = 5.0
    baskets = np.sqrt(np.maximum(baskets_a, together) * np.maximum(baskets_b, together))
    share: NDArray[np.float64] = np.clip(together / (baskets + shrink), 0.0, 1.0)
    return share
