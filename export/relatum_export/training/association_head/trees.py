"""Boosted trees over a pair's features, as one module that exports with the head.

A layer of neurons must learn from a few hundred examples what a tree says in one cut: the code is
not the same, so the product is not. Trees see the features and the cosine, never the vectors.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import GradientBoostingClassifier
from torch import nn

from relatum_export.training.association_head.classes import CLASSES, allowed_classes

LEAF = -2  # a leaf's column, as scikit-learn has it
MIN_LEAF = 15  # pairs
SUBSAMPLE = 0.7  # of the pairs, for each tree
COLUMNS = 0.3  # of the features, for each cut
TURNED = 0.25  # weight of a pair seen the other way round: enough to hold there too
MIN_SHARE = 0.01  # of a label that leaves classes open; less is left out


@dataclass(frozen=True, slots=True)
class TreeShape:
    """Sizes of the trees.

    Attributes:
        nodes: of all trees.
        trees: how many.
        outputs: scores of a round: 1 for two classes, else one a class.
        depth: cuts from a root to the deepest leaf.
    """

    nodes: int = 0
    trees: int = 0
    outputs: int = 1
    depth: int = 0


class Trees(nn.Module):
    """Walks all trees of all pairs at once, one cut a step.

    **Source**: Nakandala et al. 2020, A Tensor Compiler for Unified Machine Learning Prediction
    Serving, section 4.1 (tree traversal).
    """

    column: torch.Tensor
    threshold: torch.Tensor
    below: torch.Tensor
    above: torch.Tensor
    value: torch.Tensor
    roots: torch.Tensor
    base: torch.Tensor
    place: torch.Tensor

    def __init__(self, shape: TreeShape) -> None:
        super().__init__()
        self.shape = shape
        for name in ("column", "below", "above"):
            self.register_buffer(name, torch.zeros(shape.nodes, dtype=torch.int64))
        for name in ("threshold", "value"):
            self.register_buffer(name, torch.zeros(shape.nodes))
        self.register_buffer("roots", torch.zeros(shape.trees, dtype=torch.int64))
        self.register_buffer("base", torch.zeros(shape.outputs))
        self.register_buffer("place", torch.zeros(shape.outputs, len(CLASSES)))

    @classmethod
    def fitted(cls, model: GradientBoostingClassifier, sample: NDArray[np.float32]) -> "Trees":
        """The same function as the model's ``decision_function``.

        Args:
            model: fitted on labels that are numbers of classes.
            sample: one row of features, from which the prior is read.
        """
        trees = [tree.tree_ for tree in model.estimators_.ravel()]
        starts = np.cumsum([0, *(tree.node_count for tree in trees)])
        outputs = model.estimators_.shape[1]
        depth = max(tree.max_depth for tree in trees)
        made = cls(TreeShape(int(starts[-1]), len(trees), outputs, int(depth)))
        for start, tree in zip(starts.tolist(), trees, strict=False):
            part = slice(start, start + tree.node_count)
            leaf = tree.feature == LEAF
            own = np.arange(tree.node_count)  # a leaf leads to itself
            made.column[part] = torch.from_numpy(np.where(leaf, 0, tree.feature))
            made.threshold[part] = torch.from_numpy(_at_most(tree.threshold))
            below = np.where(leaf, own, tree.children_left) + start
            above = np.where(leaf, own, tree.children_right) + start
            made.below[part] = torch.from_numpy(below)
            made.above[part] = torch.from_numpy(above)
            made.value[part] = torch.from_numpy(tree.value[:, 0, 0]).float() * model.learning_rate
        made.roots.copy_(torch.from_numpy(starts[:-1].astype(np.int64)))
        if outputs == 1:  # the score of the second class against the first
            made.place[0, int(model.classes_[1])] = 1.0
        else:
            made.place[torch.arange(outputs), torch.from_numpy(model.classes_.astype(np.int64))] = 1
        told = np.ravel(model.decision_function(sample[:1]))
        made.base.copy_(
            torch.from_numpy(told).float() - made.scores(torch.from_numpy(sample[:1]))[0]
        )
        return made

    def scores(self, known: torch.Tensor) -> torch.Tensor:
        """Features and cosine, float32 [pairs, columns], to float32 [pairs, outputs]."""
        at = self.roots.unsqueeze(0).expand(known.shape[0], -1)
        for _ in range(self.shape.depth):
            value = known.gather(1, self.column[at])
            at = torch.where(value > self.threshold[at], self.above[at], self.below[at])
        rounds = self.value[at].view(known.shape[0], -1, self.shape.outputs)
        return rounds.sum(dim=1) + self.base

    def forward(self, known: torch.Tensor) -> torch.Tensor:
        """Features and cosine, float32 [pairs, columns], to logits, float32 [pairs, classes]."""
        logits: torch.Tensor = self.scores(known) @ self.place
        return logits


def fit_trees(
    known: NDArray[np.float32],
    turned: NDArray[np.float32],
    targets: NDArray[np.float32],
    weights: NDArray[np.float32],
    believed: NDArray[np.float32],
    *,
    symmetric: NDArray[np.bool_],
    rounds: int,
    depth: int,
    learning_rate: float,
    seed: int,
) -> Trees:
    """Boost trees on the pairs; a label that leaves classes open is shared among them.

    Args:
        known: features and cosine, float32 [pairs, columns].
        turned: of the pairs the other way round.
        targets: share of each label, float32 [pairs, labels].
        weights: of each label, float32 [labels].
        believed: what another model finds of the pairs, by whose odds a label that leaves classes
            open is shared, float32 [pairs, classes].
        symmetric: pairs that are what they are both ways, bool [pairs]; seen the other way too.
        rounds: of boosting.
        depth: cuts from root to leaf.
        learning_rate: shrinks each tree.
        seed: of the draws.
    """
    odds = believed[:, None, :] * allowed_classes()[None]
    odds /= np.maximum(odds.sum(axis=2, keepdims=True), 1e-12)
    shares = (targets[:, :, None] * weights[None, :, None] * odds).sum(axis=1)
    rows, classes = np.nonzero(shares > MIN_SHARE)
    weight = shares[rows, classes]
    both = symmetric[rows]
    model = GradientBoostingClassifier(
        n_estimators=rounds,
        max_depth=depth,
        learning_rate=learning_rate,
        subsample=SUBSAMPLE,
        max_features=COLUMNS,
        min_samples_leaf=MIN_LEAF,
        random_state=seed,
    )
    model.fit(
        np.concatenate([known[rows], turned[rows[both]]]),
        np.concatenate([classes, classes[both]]),
        sample_weight=np.concatenate([weight, TURNED * weight[both]]),
    )
    return Trees.fitted(model, known)


def _at_most(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    """The largest float32 that is not above each threshold: `value > threshold` then agrees."""
    near = thresholds.astype(np.float32)
    lower = np.nextafter(near, np.float32(-np.inf))
    return np.where(near > thresholds, lower, near).astype(np.float32)
