"""How long a baseline that is trained by passes is trained: until valid gets no better."""

import copy
from collections.abc import Callable

import numpy as np
from torch import nn

from relatum_export.evaluation.baselines.base import Known
from relatum_export.training.ranker.requests import Scores

JUDGED = 1_000  # cases of valid at most after a pass, by a fixed draw
PATIENCE = 3  # passes without a better figure
FIRST = "NDCG@10"


def train_by_valid(
    model: nn.Module, one_pass: Callable[[int], None], scores: Scores, known: Known, most: int
) -> int:
    """Train until valid NDCG@10 is no better for three passes; leaves the best pass's weights.

    Args:
        model: trained in place.
        one_pass: trains by one pass, given its number from 1.
        scores: of the model as it stands.
        known: fitted on train.
        most: passes at most.

    Returns:
        The pass that was kept; 0 where training made nothing better.
    """
    valid = known.judged.requests["valid"]
    count = min(JUDGED, len(valid))
    rows = np.random.default_rng(0).choice(len(valid), count, replace=False)
    judged = known.judged.of_valid(np.sort(rows).tolist())
    best, kept, weights = -1.0, 0, copy.deepcopy(model.state_dict())
    for number in range(1, most + 1):
        model.train()
        one_pass(number)
        model.eval()
        outcomes = judged.outcomes("valid", "stopping", scores, "train")
        figure = next(one.value for one in outcomes if one.measure == FIRST)
        if figure > best:
            best, kept, weights = figure, number, copy.deepcopy(model.state_dict())
        elif number - kept >= PATIENCE:
            break
    model.load_state_dict(weights)
    return kept
