"""One temperature for all logits, fitted on valid.

**Source**: Guo et al. 2017, On Calibration of Modern Neural Networks, section 4.2.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

from relatum_export.training.association_head.classes import allowed_classes

TEMPERATURES = (0.05, 20.0)


def nll_of_logits(logits: NDArray[np.floating], targets: NDArray[np.float32]) -> float:
    """Mean negative log-likelihood of the labels; a label's likelihood is that of its classes.

    Args:
        logits: [pairs, classes].
        targets: share of each label, float32 [pairs, labels].
    """
    log_p = logits - logsumexp(logits, axis=1, keepdims=True)
    log_sets = logsumexp(log_p[:, None, :], axis=2, b=allowed_classes()[None])
    return float(-np.where(targets > 0, targets * log_sets, 0.0).sum(axis=1).mean())


def best_temperature(logits: NDArray[np.floating], targets: NDArray[np.float32]) -> float:
    """The temperature with the lowest mean negative log-likelihood, within .05..20."""
    wide = np.asarray(logits, np.float64)
    low, high = np.log(TEMPERATURES)
    found = minimize_scalar(
        lambda log_t: nll_of_logits(wide / np.exp(log_t), targets),
        bounds=(low, high),
        method="bounded",
        options={"xatol": 1e-4},
    )
    return float(np.exp(found.x))
