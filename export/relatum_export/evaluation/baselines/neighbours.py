"""Item-based neighbours and matrix factors, by the library implicit."""

from collections.abc import Sequence

import numpy as np
from implicit.als import AlternatingLeastSquares
from implicit.nearest_neighbours import ItemItemRecommender, normalize
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from relatum_export.evaluation.baselines.base import Baseline, Known, Settings, asked
from relatum_export.training.ranker.profile import basket_profile
from relatum_export.training.ranker.requests import Request, Scores


def _item_knn(known: Known, settings: Settings) -> Scores:
    """Cosine of the items' shoppers; a history is the weighted sum of its items' neighbours.

    **Source**: Sarwar et al. 2001, Item-Based Collaborative Filtering.
    """
    # What the library's CosineRecommender does, without its warning of a matrix it made itself.
    model = ItemItemRecommender(K=settings["neighbours"], num_threads=1)
    unit = normalize(known.interactions().T).T.tocsr().astype(np.float64)
    model.fit(unit, show_progress=False)
    similarity = model.similarity.tocsr().astype(np.float32)

    def scores(requests: Sequence[Request]) -> NDArray[np.floating]:
        profile = basket_profile(requests, known.items, settings["step"])
        found: NDArray[np.float32] = (profile @ similarity).toarray()
        return found

    return scores


def _als(known: Known, settings: Settings) -> Scores:
    """Implicit-feedback factors; a shopper's are solved for from the history asked about.

    **Source**: Hu, Koren and Volinsky 2008, Collaborative Filtering for Implicit Feedback Datasets.
    """
    with threadpool_limits(1, "blas"):  # the library warns of more: its own threads meet BLAS's
        model = AlternatingLeastSquares(
            factors=settings["factors"],
            regularization=settings["regularization"],
            alpha=settings["alpha"],
            iterations=15,
            num_threads=1,
            use_gpu=False,
            random_state=known.seed,
        )
        model.fit(known.interactions(), show_progress=False)
    factors = np.asarray(model.item_factors)

    def scores(requests: Sequence[Request]) -> NDArray[np.floating]:
        histories = asked(requests, known.items, repeats=known.judged.repeats)
        users = model.recalculate_user(np.arange(len(requests)), histories)
        found: NDArray[np.float32] = np.asarray(users) @ factors.T
        return found

    return scores


ITEM_KNN = Baseline("item-knn", [{"neighbours": k, "step": 1.0} for k in (20, 100, 400)], _item_knn)
ITEM_KNN_RECENCY = Baseline(
    "item-knn-recency",
    [{"neighbours": k, "step": step} for k in (20, 100) for step in (0.5, 0.7, 0.9)],
    _item_knn,
)
ALS = Baseline(
    "als",
    [
        {"factors": factors, "regularization": 0.05, "alpha": alpha}
        for factors in (64, 128)
        for alpha in (1.0, 5.0, 20.0)
    ],
    _als,
)
