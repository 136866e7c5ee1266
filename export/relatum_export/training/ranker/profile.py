"""A history as weights of its items."""

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from relatum_export.training.ranker.requests import Request


def basket_profile(requests: Sequence[Request], items: int, step: float) -> sparse.csr_matrix:
    """[requests, items] float32 CSR: step^(baskets since) of each item, summed over its baskets.

    Args:
        requests: whose histories.
        items: size of the catalogue.
        step: weight of each further basket (without baskets: event) back.
    """
    columns = [request.events for request in requests]
    weights = [
        np.repeat(
            step ** np.arange(len(request.baskets) - 1, -1, -1, dtype=np.float64),
            [len(basket) for basket in request.baskets],
        )
        for request in requests
    ]
    rows = np.repeat(np.arange(len(requests)), [len(events) for events in columns])
    flat = np.concatenate(weights or [np.zeros(0)]).astype(np.float32)
    where = np.concatenate(columns or [np.zeros(0, np.int64)])
    return sparse.csr_matrix((flat, (rows, where)), (len(requests), items))
