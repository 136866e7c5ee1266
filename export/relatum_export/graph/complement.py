"""Complement vectors: what a product leads to (*out*) and what leads to it (*in*).

Two vectors a product, because complements have a direction (a printer asks for ink, ink for no
printer) and do not chain: ``out_a . in_b`` is high where b goes with a, whatever ``out_b . in_a``
is. They are the two sides of a truncated SVD of the weighed matrix of directed pairs:
out = U sqrt(S), in = V sqrt(S).

**Source**: shifted positive pointwise mutual information and the symmetric square root: Levy and
Goldberg 2014, Neural Word Embedding as Implicit Matrix Factorization, sections 4 and 5; the
smoothed context marginal: Levy, Goldberg and Dagan 2015, section 3.3; randomized SVD: Halko,
Martinsson and Tropp 2011.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.extmath import randomized_svd

from relatum_export.artifact.copurchase import MAX_BASKET, Baskets, directed_counts
from relatum_export.graph.settings import ComplementSettings

SVD_ITERATIONS = 3


@dataclass(frozen=True, slots=True)
class Complement:
    """How pairs are weighed.

    Attributes:
        weighting: scaled or ppmi.
        next_basket_weight: of a product in the next basket, beside 1 for the same basket.
        power: of the target's sum that divides (scaled), or of its marginal (ppmi).
        shift: its logarithm is taken from each (ppmi).
    """

    weighting: str
    next_basket_weight: float
    power: float
    shift: float = 1.0


@dataclass(frozen=True, slots=True)
class ComplementVectors:
    """Both sides of the space.

    Attributes:
        item_ids: one a row, sorted.
        leading: *out*, [items, d] float32: asked with.
        led: *in*, [items, d] float32: found.
    """

    item_ids: tuple[str, ...]
    leading: NDArray[np.float32]
    led: NDArray[np.float32]


def candidates(settings: ComplementSettings, data: Baskets) -> list[Complement]:
    """The combinations to try; without baskets the next basket plays no part."""
    baskets_ahead = settings.next_basket_weights if data.sessions else (0.0,)
    found = []
    for weighting, ahead in product(settings.weightings, baskets_ahead):
        if weighting == "scaled":
            found += [Complement(weighting, ahead, power) for power in settings.target_powers]
        else:
            found += [
                Complement(weighting, ahead, power, shift)
                for shift, power in product(settings.shifts, settings.context_powers)
            ]
    return found


def pair_counts(data: Baskets, next_basket_weight: float, per_item: int) -> sparse.csr_matrix:
    """How often b goes with a, directed: [items, items] float32 CSR without a diagonal.

    The counts of ``directed_counts``, and where the source has baskets also b in the basket after
    one with a; of each a the ``per_item`` highest.
    """
    counts = directed_counts(data)
    if data.sessions and next_basket_weight > 0:
        sizes = np.asarray(data.matrix.sum(axis=1)).ravel()
        usable = sparse.diags((sizes <= MAX_BASKET).astype(np.float32)) @ data.matrix
        after = (usable.T @ (data.successor @ usable)).tocsr()
        after.setdiag(0)
        counts = counts + next_basket_weight * after
    counts = counts.tocsr()
    counts.eliminate_zeros()
    return _highest_of_each_row(counts, per_item)


def weighed(counts: sparse.csr_matrix, complement: Complement) -> sparse.csr_matrix:
    """The matrix that is decomposed, float32 CSR of the shape of ``counts``."""
    pairs = counts.tocoo()
    rows = np.asarray(counts.sum(axis=1)).ravel()[pairs.row]
    sums = np.asarray(counts.sum(axis=0)).ravel()
    columns = np.power(sums, complement.power, where=sums > 0, out=np.zeros_like(sums))
    if complement.weighting == "scaled":
        value = pairs.data / np.sqrt(rows) / columns[pairs.col]
    else:
        information = np.log(pairs.data * columns.sum() / (rows * columns[pairs.col]))
        value = np.maximum(information - np.log(complement.shift), 0.0)
    found = sparse.csr_matrix((value.astype(np.float32), (pairs.row, pairs.col)), counts.shape)
    found.eliminate_zeros()
    return found


def complement_vectors(
    data: Baskets,
    counts: sparse.csr_matrix,
    complement: Complement,
    settings: ComplementSettings,
    seed: int,
) -> ComplementVectors:
    """Vectors of the products in at least ``min_count`` baskets that have a pair.

    Deterministic: seeded, the largest entry of each *out* component positive.

    Args:
        data: for the products and how often each was bought.
        counts: as from ``pair_counts``.
        complement: how they are weighed.
        settings: dimension and the least count.
        seed: of the SVD.

    Returns:
        No rows where fewer than three products remain.
    """
    frequency = np.asarray(data.matrix.sum(axis=0)).ravel()
    usable = np.flatnonzero(frequency >= settings.min_count)
    matrix = weighed(counts[usable][:, usable].tocsr(), complement)
    dimension = min(settings.dimension, len(usable) - 1)
    if dimension < 2 or not matrix.nnz:  # noqa: PLR2004 - one component says who is popular
        empty = np.zeros((0, settings.dimension), np.float32)
        return ComplementVectors((), empty, empty)
    left, singular, right = randomized_svd(
        matrix, dimension, n_iter=SVD_ITERATIONS, random_state=seed, flip_sign=False
    )
    peak = np.abs(left).argmax(axis=0)
    scale = np.sign(left[peak, np.arange(dimension)]) * np.sqrt(singular)
    leading, led = left * scale, right.T * scale
    kept = leading.any(axis=1) | led.any(axis=1)
    ids = tuple(data.item_ids[at] for at in usable[kept])
    return ComplementVectors(ids, leading[kept].astype(np.float32), led[kept].astype(np.float32))


def _highest_of_each_row(matrix: sparse.csr_matrix, most: int) -> sparse.csr_matrix:
    """Ties by column."""
    pairs = matrix.tocoo()
    order = np.lexsort((pairs.col, -pairs.data, pairs.row))
    row = pairs.row[order]
    starts = np.searchsorted(row, np.arange(matrix.shape[0]))
    keep = order[np.arange(len(row)) - starts[row] < most]
    values = pairs.data[keep].astype(np.float32)
    return sparse.csr_matrix((values, (pairs.row[keep], pairs.col[keep])), matrix.shape)
