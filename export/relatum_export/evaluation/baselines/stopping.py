"""How long a baseline that is trained by passes is trained: until valid gets no better."""

import copy
import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from torch import nn

from relatum_export.evaluation.baselines.base import Known, Settings
from relatum_export.training.ranker.requests import Scores

JUDGED = 1_000  # cases of valid at most after a pass, by a fixed draw
PATIENCE = 3  # passes without a better figure
MOST_PASSES = 30
FIRST = "NDCG@10"
# Trains on what is known by so many passes, or with None by as many as valid says, and tells them.
Train = Callable[[Known, Settings, int | None], tuple[Scores, int]]


def fitted_by_valid(train: Train, known: Known, settings: Settings) -> Scores:
    """Fitted on train it stops by valid; on train and valid it takes as many passes as that.

    The same settings are trained on train once, however often they are asked for.
    """
    key = json.dumps(dict(settings), sort_keys=True)
    if key not in known.made:
        known.made[key] = train(replace(known, fit="train"), settings, None)
    scores, passes = known.made[key]
    return scores if known.fit == "train" else train(known, settings, passes)[0]


def train_passes(
    model: nn.Module, one_pass: Callable[[], None], scores: Scores, known: Known, passes: int | None
) -> int:
    """Train by so many passes, or until valid NDCG@10 is no better for three; the model is left so.

    Args:
        model: trained in place; where valid stops it, the best pass's weights are left.
        one_pass: trains by one pass.
        scores: of the model as it stands.
        known: fitted on train where valid stops it.
        passes: None lets valid stop it.

    Returns:
        The passes that the model was left with.
    """
    if passes is None:
        return _train_by_valid(model, one_pass, scores, known)
    model.train()
    for _ in range(passes):
        one_pass()
    model.eval()
    return passes


def _train_by_valid(
    model: nn.Module, one_pass: Callable[[], None], scores: Scores, known: Known
) -> int:
    valid = known.judged.requests["valid"]
    count = min(JUDGED, len(valid))
    rows = np.random.default_rng(0).choice(len(valid), count, replace=False)
    judged = known.judged.of_valid(np.sort(rows).tolist())
    best, kept, weights = -1.0, 0, copy.deepcopy(model.state_dict())
    for number in range(1, MOST_PASSES + 1):
        model.train()
        one_pass()
        model.eval()
        outcomes = judged.outcomes("valid", "stopping", scores, "train")
        figure = next(one.value for one in outcomes if one.measure == FIRST)
        if figure > best:
            best, kept, weights = figure, number, copy.deepcopy(model.state_dict())
        elif number - kept >= PATIENCE:
            break
    model.load_state_dict(weights)
    return kept
