"""Baselines of the next basket: what the shopper had, and what the nearest shoppers had."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from relatum_export.evaluation.baselines.base import Baseline, Known, Settings
from relatum_export.training.ranker.requests import Request, Scores
from relatum_export.training.ranker.sources import Frequency


def _own_recency(known: Known, settings: Settings) -> Scores:
    """The shopper's own frequency, each further basket back weighing ``step``."""
    return Frequency(known.items, settings["step"]).scores


def _tifu_knn(known: Known, settings: Settings) -> Scores:
    """Decayed frequency of the shopper, blended with that of the nearest shoppers.

    **Source**: Hu et al. 2020, Modeling Personalized Item Frequency Information for Next-basket
    Recommendation, section 4.
    """
    others = temporal_frequency(known.judged.shoppers[known.fit], known.items, settings)
    lengths = np.asarray(others.multiply(others).sum(axis=1)).ravel()
    nearest = min(settings["neighbours"], others.shape[0])

    def scores(requests: Sequence[Request]) -> NDArray[np.floating]:
        own = temporal_frequency([r.baskets for r in requests], known.items, settings)
        # Squared distance, less the shopper's own length, which changes no order.
        distance = lengths[None, :] - 2.0 * (own @ others.T).toarray()
        rows = np.argpartition(distance, nearest - 1, axis=1)[:, :nearest]
        share = np.full(rows.size, 1.0 / nearest, np.float32)
        owner = np.repeat(np.arange(len(requests)), nearest)
        mean = sparse.csr_matrix((share, (owner, rows.ravel())), distance.shape) @ others
        alpha = settings["own_share"]
        found: NDArray[np.float32] = (alpha * own + (1.0 - alpha) * mean).toarray()
        return found

    return scores


def temporal_frequency(
    histories: Sequence[Sequence[NDArray[np.int64]]], items: int, settings: Settings
) -> sparse.csr_matrix:
    """A shopper's item frequencies with two decays: within groups of baskets, and over groups.

    The baskets are parted into ``groups`` from the newest back, the oldest group taking what is
    left; a basket weighs its place in the group, a group its place among the groups, and each is
    averaged.

    Args:
        histories: baskets of each shopper, oldest first.
        items: size of the catalogue.
        settings: groups, basket_decay, group_decay.

    Returns:
        float32 CSR [shoppers, items].
    """
    rows, columns, weights = [], [], []
    for row, baskets in enumerate(histories):
        count = len(baskets)
        groups = min(settings["groups"], count)
        size = -(-count // max(groups, 1))
        groups = -(-count // max(size, 1))
        for back, basket in enumerate(reversed(baskets)):
            group, within = divmod(back, size)
            in_group = min(size, count - group * size)
            weight = (
                settings["basket_decay"] ** within
                * settings["group_decay"] ** group
                / (in_group * groups)
            )
            rows.append(np.full(len(basket), row))
            columns.append(basket)
            weights.append(np.full(len(basket), weight, np.float32))
    if not rows:
        return sparse.csr_matrix((len(histories), items), dtype=np.float32)
    where = (np.concatenate(rows), np.concatenate(columns))
    shape = (len(histories), items)
    return sparse.csr_matrix((np.concatenate(weights), where), shape, dtype=np.float32)


OWN_RECENCY = Baseline(
    "own-frequency-recency",
    [{"step": step} for step in (0.7, 0.8, 0.9, 0.95, 0.98)],
    _own_recency,
    baskets_alone=True,
)
# The settings that the paper found for its four sets, and two between them.
TIFU_KNN = Baseline(
    "tifu-knn",
    [
        {
            "neighbours": neighbours,
            "groups": groups,
            "basket_decay": basket,
            "group_decay": group,
            "own_share": own,
        }
        for neighbours, groups, basket, group, own in (
            (300, 7, 0.9, 0.7, 0.7),
            (900, 3, 0.9, 0.7, 0.9),
            (900, 3, 0.9, 0.6, 0.2),
            (300, 7, 1.0, 0.6, 0.7),
            (300, 7, 0.95, 0.9, 0.9),
            (100, 10, 0.95, 0.9, 0.7),
        )
    ],
    _tifu_knn,
    baskets_alone=True,
)
