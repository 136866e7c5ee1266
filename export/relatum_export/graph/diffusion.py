"""Smoothing text vectors over the knowledge graph, without a parameter to learn.

**Source**: personalised propagation, Klicpera, Bojchevski and Guennemann 2019, Predict then
Propagate, equation 5; without weights between the steps as in Wu et al. 2019, Simplifying Graph
Convolutional Networks. Rare shared values weigh more, as in Adamic and Adar 2003, Friends and
neighbors on the web.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from relatum_export.graph.edges import BOUGHT_WITH, KnowledgeGraph, Relation
from relatum_export.graph.settings import DiffusionSettings

MIN_NORM = 1e-12


@dataclass(frozen=True, slots=True)
class Diffusion:
    """How far vectors travel, along what, and how much of the neighbours they take.

    Attributes:
        relations: the kinds of edges travelled.
        alpha: share of the neighbours in each step.
        steps: how many; 0 leaves the vectors as they are.
    """

    relations: tuple[str, ...]
    alpha: float
    steps: int


@dataclass(frozen=True, slots=True)
class Operator:
    """One relation as a mean over neighbours: ``outward @ (inward @ x)``.

    Two thin matrices, because products that share a value would make a dense square.

    Attributes:
        inward: [values, products] CSR, rows summing to 1.
        outward: [products, values] CSR, rows summing to 1 or 0.
    """

    inward: sparse.csr_matrix
    outward: sparse.csr_matrix


def operators(graph: KnowledgeGraph) -> dict[str, Operator]:
    """The operator of each relation of the graph."""
    return {
        name: _purchases(relation) if name == BOUGHT_WITH else _values(relation)
        for name, relation in graph.relations.items()
    }


def diffuse(
    vectors: NDArray[np.float32], of: dict[str, Operator], diffusion: Diffusion
) -> NDArray[np.float32]:
    """Vectors mixed with their neighbours', rows of length 1.

    x_0 is the text; x_{s+1} = (1 - alpha) x_0 + alpha mean of x_s over the neighbours, each
    relation that a product has counting alike. A product without edges keeps its text; one without
    text takes its neighbours' alone, and without either stays zero.

    Args:
        vectors: [products, d], rows of length 1 or zeros, in the graph's order.
        of: by relation, as from ``operators``.
        diffusion: what to do.
    """
    used = [of[name] for name in diffusion.relations if name in of]
    if not used or diffusion.steps == 0:
        return vectors
    reach = [np.asarray(each.outward.sum(axis=1)).ravel() > 0 for each in used]
    relations = np.sum(reach, axis=0)[:, None]
    state = vectors
    for _ in range(diffusion.steps):
        spread = sum(each.outward @ (each.inward @ state) for each in used)
        mean = spread / np.maximum(relations, 1)
        mixed = (1 - diffusion.alpha) * vectors + diffusion.alpha * mean
        state = np.where(relations > 0, mixed, vectors).astype(np.float32)
    length = np.linalg.norm(state, axis=1, keepdims=True)
    return np.asarray(state / np.maximum(length, MIN_NORM), np.float32)


def candidates(settings: DiffusionSettings, graph: KnowledgeGraph) -> list[Diffusion]:
    """The combinations to try, those that differ by absent relations alone once."""
    found: dict[Diffusion, None] = {}
    for names, alpha, steps in product(settings.relation_sets, settings.alphas, settings.steps):
        present = tuple(name for name in names if name in graph.relations)
        if present:
            found[Diffusion(present, alpha, steps)] = None
    return list(found)


def _values(relation: Relation) -> Operator:
    """Products over the values they share, a rare value weighing more."""
    has = relation.counts.astype(bool).astype(np.float32)
    holders = np.asarray(has.sum(axis=0)).ravel()
    inward = sparse.diags(1.0 / np.maximum(holders, 1.0)) @ has.T
    rarity = has @ sparse.diags(1.0 / np.log2(1.0 + np.maximum(holders, 1.0)))
    return Operator(inward.tocsr(), _rows_to_one(rarity))


def _purchases(relation: Relation) -> Operator:
    """Products bought together, either way round, by the logarithm of the count."""
    either = (relation.counts + relation.counts.T).astype(np.float32).tocsr()
    either.data = np.log1p(either.data)
    identity = sparse.identity(either.shape[0], np.float32, "csr")
    return Operator(identity, _rows_to_one(either))


def _rows_to_one(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    mass = np.asarray(matrix.sum(axis=1)).ravel()
    return (
        sparse.diags(np.where(mass > 0, 1.0 / np.maximum(mass, MIN_NORM), 0.0)) @ matrix
    ).tocsr()
