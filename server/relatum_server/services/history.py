"""The artifact's history of purchases: how often each product was bought, and when last."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from relatum_server.artifact import read_table
from relatum_server.index.popularity import HALF_LIFE_US, log_at_epoch

_SECOND_US = 1_000_000
_MEAN_LIFE_US = HALF_LIFE_US / np.log(2.0)


class PurchaseHistory:
    """Purchases by product id, with the time of the last; nothing where the artifact has none."""

    def __init__(self, purchases: Mapping[str, tuple[float, int]] | None = None) -> None:
        """Take (count, last time in us since 1970, 0 where unknown) by id."""
        self._purchases = purchases or {}
        times = [last_us for _, last_us in self._purchases.values() if last_us]
        self._span_us = max(times) - min(times) if times else 0

    def of(self, product_id: str) -> tuple[float, int]:
        """Purchases of a product and the time of the last; (0, 0) for none."""
        return self._purchases.get(product_id, (0.0, 0))

    def covered_until_us(self) -> Mapping[str, int]:
        """Until when, inclusive, the history has a product's purchases, by id.

        The artifact's times are whole seconds, so its last purchase may lie anywhere in one.
        """
        return {
            product_id: last_us + _SECOND_US - 1
            for product_id, (_, last_us) in self._purchases.items()
            if last_us
        }

    def logs(self, counts: NDArray[np.float64], times_us: NDArray[np.int64]) -> NDArray[np.float64]:
        """Decayed counts as `PopularityCounter` keeps them, float64 [n]; -inf for none.

        The history gives one time a product, the last. The other purchases are taken for spread
        evenly over the history, whose length is that from its first product's last purchase to its
        last: put at the last one's time they would outweigh months of events.

        Args:
            counts: purchases.
            times_us: of the last one; 0 for unknown, and then the count has no weight.
        """
        span = self._span_us / _MEAN_LIFE_US
        weight = -np.expm1(-span) / span if span else 1.0
        weighed = 1.0 + (counts - 1.0) * weight
        return log_at_epoch(np.where((counts > 0) & (times_us > 0), weighed, 0.0), times_us)


def read_popularity(path: Path) -> PurchaseHistory:
    """Read `popularity.parquet` of a verified artifact.

    Raises:
        ArtifactError: not a table of item_id, count and last_time.
    """
    table = read_table(path, ["item_id", "count", "last_time"])
    ids, counts, times = (table.column(name).to_pylist() for name in table.column_names)
    return PurchaseHistory(
        {
            item: (float(count), int(last or 0) * _SECOND_US)
            for item, count, last in zip(ids, counts, times, strict=True)
        }
    )
