"""What a shopper bought and is likely to need again."""

import numpy as np
from numpy.typing import NDArray

from relatum_server.domain import EvidenceKind
from relatum_server.ranking.explanation import Contribution, Ranking
from relatum_server.ranking.profile import ShopperProfile
from relatum_server.ranking.repurchase import DAY_US, due, inclination, trips, typical_wait
from relatum_server.services.live import LiveCatalogue

Mask = NDArray[np.bool_]


class BuyAgainRanker:
    """Ranks the own products by frequency, by how surely and by how soon they are bought again."""

    def __init__(self, live: LiveCatalogue) -> None:
        self._live = live

    def rank(self, profile: ShopperProfile, allowed: Mask | None) -> Ranking:
        """Score what the shopper bought; unordered.

        The score is the own frequency (0.9 per later basket, over its largest) x the share of
        repeats x how near the next purchase is. Time ends with the newest purchase of the shop or
        event of the shopper, not with the clock: a shop that was closed keeps what is due.

        A product is left out that was bought once and that nobody bought twice, or whose returns
        and dismissals outweigh its purchases.

        Args:
            profile: the shopper's.
            allowed: keys that may be ranked, or None for all.
        """
        live = self._live
        ids = [i for i in profile.bought_us if profile.weights.get(i, 0.0) > 0]
        there = [(live.keys.key_of(product_id), product_id) for product_id in ids]
        found = sorted(
            (key, product_id)
            for key, product_id in there
            if key is not None and (allowed is None or (key < len(allowed) and allowed[key]))
        )
        keys = np.array([key for key, _ in found], np.int64)
        times = [trips(profile.bought_us[product_id]) for _, product_id in found]
        now_us = max(live.traffic.newest_purchase_us, profile.last_time_us)
        log_days = live.traffic.log_repurchase_days(keys)
        waits = [typical_wait(own, one) for own, one in zip(times, log_days.tolist(), strict=True)]
        near = due(
            np.array([(now_us - own[0]) / DAY_US for own in times], np.float64),
            np.array(waits, np.float64),
        )
        sure = inclination(
            np.array([len(own) - 1 for own in times], np.float64),
            live.traffic.repurchase_rates(keys),
        )
        often = np.array([profile.repeats[product_id] for _, product_id in found], np.float64)
        ranking = Ranking(keys, (Contribution(EvidenceKind.REPEAT, often * sure * near),))
        return ranking.take(np.flatnonzero(sure > 0))
