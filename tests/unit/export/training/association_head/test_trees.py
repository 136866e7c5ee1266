"""Boosted trees as a module: the same function as the library's, and labels that leave classes."""

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.ensemble import GradientBoostingClassifier

from relatum_export.training.association_head.classes import CLASSES, Label
from relatum_export.training.association_head.trees import Trees, fit_trees

COLUMNS = 5


@pytest.mark.parametrize("classes", [(0, 1), (0, 2, 3)])
def test_the_module_answers_as_the_fitted_model_does(classes):
    rng = np.random.default_rng(0)
    known = (rng.integers(0, 4, (300, COLUMNS)) / 3).astype(np.float32)  # many values on the cuts
    labels = np.array(classes)[(known[:, 0] * 2 + known[:, 1]).astype(int) % len(classes)]
    model = GradientBoostingClassifier(n_estimators=20, max_depth=3, random_state=0)
    model.fit(known, labels)

    trees = Trees.fitted(model, known)

    said = torch.softmax(trees(torch.from_numpy(known)), dim=1).numpy()
    among = said[:, list(classes)] / said[:, list(classes)].sum(axis=1, keepdims=True)
    assert np.abs(among - model.predict_proba(known)).max() < 1e-5


def boosted(targets, believed, known):
    return fit_trees(
        known,
        known,
        targets,
        np.ones(len(Label), np.float32),
        believed,
        symmetric=np.zeros(len(known), bool),
        rounds=30,
        depth=2,
        learning_rate=0.2,
        seed=0,
    )


def test_a_label_that_leaves_classes_open_is_shared_by_what_another_model_believes():
    known = np.tile(np.linspace(0, 1, 60, dtype=np.float32)[:, None], (4, COLUMNS))
    targets = np.zeros((240, len(Label)), np.float32)
    near = known[:, 0] > 0.5
    targets[near, Label.ALIKE] = 1
    targets[~near, Label.UNRELATED] = 1
    believed = np.tile(np.array([[0.1, 0.0, 0.9, 0.0]], np.float32), (240, 1))

    trees = boosted(targets, believed, known)

    with torch.inference_mode():
        said = trees(torch.ones(1, COLUMNS))[0]
    assert CLASSES[int(said.argmax())] == "substitute"


def test_a_symmetric_pair_is_known_the_other_way_round_too():
    known = np.zeros((400, 2), np.float32)
    known[:, 0] = np.arange(400) % 2  # only ever seen on this side
    turned = known[:, ::-1].copy()
    targets = np.zeros((400, len(Label)), np.float32)
    targets[known[:, 0] == 1, Label.SAME] = 1
    targets[known[:, 0] == 0, Label.UNRELATED] = 1
    settings: dict[str, Any] = {"rounds": 30, "depth": 2, "learning_rate": 0.2, "seed": 0}
    believed = np.full((400, len(CLASSES)), 0.25, np.float32)
    ones = np.ones(len(Label), np.float32)

    both, one = (
        fit_trees(known, turned, targets, ones, believed, symmetric=np.full(400, swap), **settings)
        for swap in (True, False)
    )

    asked = torch.tensor([[0.0, 1.0]])
    assert CLASSES[int(both(asked).argmax())] == "same"
    assert CLASSES[int(one(asked).argmax())] == "unrelated"


def test_the_same_seed_gives_the_same_trees():
    rng = np.random.default_rng(0)
    known = rng.random((200, COLUMNS), np.float32)
    targets = np.zeros((200, len(Label)), np.float32)
    targets[np.arange(200), rng.integers(0, 2, 200)] = 1
    believed = np.full((200, len(CLASSES)), 0.25, np.float32)

    first, second = (boosted(targets, believed, known).state_dict() for _ in range(2))

    assert all(torch.equal(first[name], second[name]) for name in first)
