"""From a shopper's history to what each source of the ranker says: see `ranker.json`."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from relatum_server.domain import EvidenceKind
from relatum_server.index.base import Space
from relatum_server.ranking.explanation import NO_PRODUCT, union
from relatum_server.ranking.profile import BASKET_DECAY, own_frequency
from relatum_server.ranking.transition import transition_scores
from relatum_server.services.bought_together import together
from relatum_server.services.live import LiveCatalogue
from relatum_server.services.shopper import Shopper
from relatum_server.services.sources import Listed, Near, Popular, RecentlyPopular, Source
from relatum_server.services.taste import taste_vector, weighted_vector

ANCHORS = 100  # heaviest products of the history whose pairs are looked up
LIKED = 30  # the same without a ranker
Keys = NDArray[np.int64]
Values = NDArray[np.float64]
Settings = Mapping[str, float]
Maker = Callable[[LiveCatalogue, Shopper, Settings], Source | None]


def frequency(live: LiveCatalogue, shopper: Shopper, settings: Settings) -> Source:
    """How often the shopper had a product, `basket_step` to the baskets since, over the largest."""
    found = own_frequency(shopper.profile, settings.get("basket_step", BASKET_DECAY))
    pairs = [(live.keys.key_of(product_id), value) for product_id, value in found.items()]
    there = sorted((key, value) for key, value in pairs if key is not None)
    return Listed(
        EvidenceKind.REPEAT,
        np.array([key for key, _ in there], np.int64),
        np.array([value for _, value in there], np.float64),
    )


def recent_popularity(live: LiveCatalogue, shopper: Shopper, settings: Settings) -> Source:
    """Share of the last seven days' baskets."""
    del shopper, settings
    return RecentlyPopular(live)


def popularity(live: LiveCatalogue, shopper: Shopper, settings: Settings) -> Source:
    """Purchases of all time over the most bought product's."""
    del shopper, settings
    return Popular(live)


def copurchase(live: LiveCatalogue, shopper: Shopper, settings: Settings) -> Source:
    """Mean association in baskets with the history, `history_step` a basket further back.

    Without that setting, with the products that weigh most in the profile.
    """
    if "history_step" in settings:
        keys, weights, total = shopper.heaviest(settings["history_step"], ANCHORS)
    else:
        liked = shopper.strength > 0
        keys, weights = shopper.interests[liked][:LIKED], shopper.strength[liked][:LIKED]
        total = float(shopper.strength[liked].sum())
    anchors = [(int(k), float(w / total)) for k, w in zip(keys, weights, strict=True)]
    return Listed(EvidenceKind.CO_PURCHASE, *together(live, anchors, None))


def transitions(live: LiveCatalogue, shopper: Shopper, settings: Settings) -> Source:
    """What follows the history, `history_step` a basket further back, summed."""
    keys, anchors, _ = shopper.heaviest(settings["history_step"], ANCHORS)
    rows = [live.traffic.successors(int(key)) for key in keys]
    found = union([row for row, _, _ in rows])
    bought = live.traffic.baskets(found)
    total, largest = np.zeros(len(found)), np.zeros(len(found))
    movers = np.full(len(found), NO_PRODUCT, np.int64)
    for key, weight, (row, counts, mass) in zip(keys, anchors, rows, strict=True):
        place = np.searchsorted(found, row)
        value = weight * transition_scores(
            counts,
            mass,
            bought[place],
            row_power=settings["row_power"],
            popularity_power=settings["popularity_power"],
        )
        total[place] += value
        more = value > largest[place]
        largest[place[more]] = value[more]
        movers[place[more]] = key
    return Listed(EvidenceKind.TRANSITION, found, total, movers)


def recent_copurchase(live: LiveCatalogue, shopper: Shopper, settings: Settings) -> Source | None:
    """Share of the recent baskets near the shopper that hold a product.

    A basket weighs 2^(-age / half-life) times the part of it, by number of products, that the
    shopper had, each by its weight in the history.

    **Source**: baskets as neighbours with time decay, Garg et al. 2019, Sequence and Time Aware
    Neighborhood for Session-based Recommendations (STAN), section 3.
    """
    log = live.traffic.recent_baskets()
    if log is None or not len(log.times_us):
        return None
    own, weights = shopper.weights(settings["basket_step"])
    sizes = np.diff(log.starts)
    place = np.searchsorted(own, log.keys)
    place[place == len(own)] = 0
    held = np.zeros(len(log.keys))
    if len(own):
        held = np.where(own[place] == log.keys, weights[place], 0.0)
    basket = np.repeat(np.arange(len(sizes)), sizes)
    near = np.bincount(basket, held, len(sizes)) / np.maximum(sizes, 1)
    half_life_us = settings["half_life_days"] * 86_400e6
    near *= 0.5 ** ((log.times_us.max() - log.times_us) / half_life_us)
    total = near.sum()
    if total <= 0:
        return None
    there = log.keys >= 0
    keys, at = np.unique(log.keys[there], return_inverse=True)
    values = np.bincount(at, near[basket[there]], len(keys)) / total
    return Listed(EvidenceKind.CO_PURCHASE, keys[values > 0], values[values > 0])


def text(live: LiveCatalogue, shopper: Shopper, settings: Settings) -> Source | None:
    """Cosine with the mean text vector of the history.

    Without a `history_step`, of the products that weigh most in the profile.
    """
    if "history_step" in settings:
        return _mean(EvidenceKind.TEXT, live.text, live.text, shopper, settings)
    words = taste_vector(live.text, live.keys, shopper.profile)
    if words is None:
        return None
    history, strength = shopper.interests, shopper.strength
    return Near(EvidenceKind.TEXT, live.text, live.text, words, history, strength)


def diffused(live: LiveCatalogue, shopper: Shopper, settings: Settings) -> Source | None:
    """The same in the space of text vectors that were diffused over the knowledge graph."""
    space = live.spaces["diffused"]
    return _mean(EvidenceKind.TEXT, space, space, shopper, settings)


def complement(live: LiveCatalogue, shopper: Shopper, settings: Settings) -> Source | None:
    """What the history leads to: its mean *out* vector against *in*."""
    leading, led = live.spaces["complement_out"], live.spaces["complement_in"]
    return _mean(EvidenceKind.COMPLEMENT, leading, led, shopper, settings)


def habits(live: LiveCatalogue, shopper: Shopper, settings: Settings) -> Source | None:
    """`users` without a user encoder: the profile's mean in the behaviour space."""
    del settings
    index = live.behaviour.index
    taste = None if index is None else taste_vector(index, live.keys, shopper.profile)
    if index is None or taste is None:
        return None
    history, strength = shopper.interests, shopper.strength
    return Near(EvidenceKind.BEHAVIOUR, index, index, taste, history, strength)


def _mean(
    kind: EvidenceKind, asked: Space, found: Space, shopper: Shopper, settings: Settings
) -> Source | None:
    keys, weights = shopper.weights(settings["history_step"])
    query = weighted_vector(asked, keys, weights)
    return None if query is None else Near(kind, asked, found, query, keys, weights)


MAKERS: Mapping[str, Maker] = {
    "transitions": transitions,
    "copurchase": copurchase,
    "recent_copurchase": recent_copurchase,
    "frequency": frequency,
    "lasting_frequency": frequency,
    "recent_popularity": recent_popularity,
    "popularity": popularity,
    "text": text,
    "diffused": diffused,
    "complement": complement,
    "users": habits,
}
