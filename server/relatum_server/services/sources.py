"""The sources of candidates of a recommendation, each asked for one shopper."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from relatum_server.artifact import RankerSpec
from relatum_server.domain import EvidenceKind
from relatum_server.errors import ArtifactError
from relatum_server.index.base import Index
from relatum_server.index.recent import DAYS
from relatum_server.ranking.explanation import NO_PRODUCT, union
from relatum_server.ranking.profile import BASKET_DECAY, ShopperProfile, own_frequency
from relatum_server.ranking.transition import recency_weights, transition_scores
from relatum_server.services.live import LiveCatalogue
from relatum_server.services.relation import allowed_rows, together
from relatum_server.services.taste import interests, taste_vector, weighted_vector

HISTORY = 30  # products of the history whose pairs are looked up
Keys = NDArray[np.int64]
Mask = NDArray[np.bool_]
Values = NDArray[np.float64]
Settings = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Shopper:
    """One shopper, as the sources see them.

    Attributes:
        profile: what is known.
        history: keys of the newest events, newest first; see `ShopperProfile.history`.
        interests: keys of the products that weigh most, heaviest first.
        strength: their weights.
    """

    profile: ShopperProfile
    history: Keys
    interests: Keys
    strength: Values

    @classmethod
    def of(cls, live: LiveCatalogue, profile: ShopperProfile) -> "Shopper":
        """Look up what the catalogue has of a profile."""
        liked, strength = interests(live.keys, profile)
        history = live.keys.keys_of(product_id for product_id, _ in profile.history)
        return cls(profile, history, liked, strength)

    def anchors(self, settings: Settings) -> list[tuple[int, float]]:
        """Products of the history with weights that sum to 1, at most 30.

        By recency where the settings have a `history_step`, else by the profile's weights.
        """
        if "history_step" in settings:
            keys = self.history[:HISTORY]
            weights = recency_weights(len(keys), settings["history_step"])
            total = weights.sum()
        else:
            liked = self.strength > 0
            keys, weights = self.interests[liked][:HISTORY], self.strength[liked][:HISTORY]
            total = self.strength[liked].sum()
        return [
            (int(key), float(weight / total)) for key, weight in zip(keys, weights, strict=True)
        ]


class Source(Protocol):
    """What one source says of the catalogue for one shopper."""

    @property
    def kind(self) -> EvidenceKind:
        """As what it counts in the evidence."""
        ...

    def largest(self) -> float:
        """Its largest value over the catalogue; 0 where it knows nothing."""
        ...

    def best(self, k: int, allowed: Mask | None) -> Keys:
        """Its k best of the allowed products, in no order."""
        ...

    def of(self, keys: Keys) -> tuple[Values, Keys | None]:
        """Its values of these, 0 where it knows nothing, and the products that moved it."""
        ...


@dataclass(frozen=True, slots=True)
class Listed:
    """A source that knows a few products.

    Attributes:
        kind: as what it counts.
        keys: int64 [n], ascending.
        values: float64 [n].
        movers: int64 [n], or None where no product moves it.
    """

    kind: EvidenceKind
    keys: Keys
    values: Values
    movers: Keys | None = None

    def largest(self) -> float:
        """See `Source`."""
        return float(self.values.max(initial=0.0))

    def best(self, k: int, allowed: Mask | None) -> Keys:
        """See `Source`."""
        keys, values = self.keys, self.values
        if allowed is not None:
            kept = allowed_rows(allowed, keys)
            keys, values = keys[kept], values[kept]
        return keys[np.argsort(-values, kind="stable")[:k]]

    def of(self, keys: Keys) -> tuple[Values, Keys | None]:
        """See `Source`."""
        values = np.zeros(len(keys))
        at = np.searchsorted(self.keys, keys)
        inside = np.flatnonzero(at < len(self.keys))
        inside = inside[self.keys[at[inside]] == keys[inside]]
        values[inside] = self.values[at[inside]]
        if self.movers is None:
            return values, None
        movers = np.full(len(keys), NO_PRODUCT, np.int64)
        movers[inside] = self.movers[at[inside]]
        return values, movers


@dataclass(frozen=True, slots=True)
class Near:
    """A source that is a query into a space.

    Attributes:
        kind: as what it counts.
        index: the space.
        query: float32 [d].
        history: keys of the products that made the query.
        strength: their weights.
    """

    kind: EvidenceKind
    index: Index
    query: NDArray[np.float32]
    history: Keys
    strength: Values

    def largest(self) -> float:
        """See `Source`."""
        return max(float(self.index.search(self.query, 1).scores.sum()), 0.0)

    def best(self, k: int, allowed: Mask | None) -> Keys:
        """See `Source`."""
        return self.index.search(self.query, k, allowed=allowed).keys

    def of(self, keys: Keys) -> tuple[Values, Keys | None]:
        """See `Source`: each is moved by the product of the history that adds most to it."""
        values, present = self.index.scores(self.query, keys)
        own, _ = self.index.get(self.history)
        theirs, _ = self.index.get(keys)
        moved = (theirs @ own.T) * self.strength.astype(np.float32)
        return values, np.where(present, self.history[moved.argmax(axis=1)], NO_PRODUCT)


class Popular:
    """Share of the last seven days' baskets, of every product."""

    kind = EvidenceKind.POPULARITY

    def __init__(self, live: LiveCatalogue) -> None:
        self._live = live

    def largest(self) -> float:
        """See `Source`."""
        shares = self._live.traffic.recent_shares(self._live.traffic.recently_popular(1))
        return float(shares.max(initial=0.0))

    def best(self, k: int, allowed: Mask | None) -> Keys:
        """See `Source`; those of the last days, then those of all time."""
        traffic = self._live.traffic
        found = [traffic.recently_popular(k), traffic.popular(k)]
        if allowed is not None:
            found = [keys[allowed_rows(allowed, keys)] for keys in found]
        return union(found)

    def of(self, keys: Keys) -> tuple[Values, Keys | None]:
        """See `Source`."""
        return self._live.traffic.recent_shares(keys), None


def check_settings(spec: RankerSpec) -> None:
    """Refuse a ranker whose sources cannot be asked as it says.

    Raises:
        ArtifactError: a setting is missing, or is one that this server does not have.
    """
    for source in spec.sources:
        absent = REQUIRED.get(source.name, frozenset()) - source.settings.keys()
        if absent:
            raise ArtifactError(
                f"ranker.json: the source {source.name} lacks {', '.join(sorted(absent))}; train "
                "the ranker again and export again"
            )
        days = source.settings.get("days", DAYS)
        if source.name == "popularity" and days != DAYS:
            raise ArtifactError(
                f"ranker.json: popularity of {days:g} days, and this server counts {DAYS}; train "
                "the ranker again and export again"
            )
        if source.name == "transitions" and source.settings["window"] < 1:
            raise ArtifactError("ranker.json: transitions.window is below 1; export again")


def _own_frequency(live: LiveCatalogue, shopper: Shopper, settings: Settings) -> Source:
    step = settings.get("basket_step", BASKET_DECAY)
    found = own_frequency(shopper.profile, step)
    pairs = [(live.keys.key_of(product_id), value) for product_id, value in found.items()]
    there = sorted((key, value) for key, value in pairs if key is not None)
    return Listed(
        EvidenceKind.REPEAT,
        np.array([key for key, _ in there], np.int64),
        np.array([value for _, value in there], np.float64),
    )


def _popularity(live: LiveCatalogue, shopper: Shopper, settings: Settings) -> Source:
    del shopper, settings
    return Popular(live)


def _copurchase(live: LiveCatalogue, shopper: Shopper, settings: Settings) -> Source:
    return Listed(EvidenceKind.CO_PURCHASE, *together(live, shopper.anchors(settings), None))


def _transitions(live: LiveCatalogue, shopper: Shopper, settings: Settings) -> Source:
    """The weights of what follows the history's events, newest heaviest, summed."""
    weights = recency_weights(len(shopper.history), settings["history_step"])
    keys, at = np.unique(shopper.history[:HISTORY], return_inverse=True)
    anchors = np.bincount(at, weights[: len(at)], len(keys)) if len(keys) else np.zeros(0)
    rows = [live.traffic.successors(int(key)) for key in keys]
    found = union([row for row, _, _ in rows])
    popularity = live.traffic.baskets(found)
    total, largest = np.zeros(len(found)), np.zeros(len(found))
    movers = np.full(len(found), NO_PRODUCT, np.int64)
    for key, weight, (row, counts, mass) in zip(keys, anchors, rows, strict=True):
        place = np.searchsorted(found, row)
        value = weight * transition_scores(
            counts,
            mass,
            popularity[place],
            row_power=settings["row_power"],
            popularity_power=settings["popularity_power"],
        )
        total[place] += value
        more = value > largest[place]
        largest[place[more]] = value[more]
        movers[place[more]] = key
    return Listed(EvidenceKind.TRANSITION, found, total, movers)


def _users(live: LiveCatalogue, shopper: Shopper, settings: Settings) -> Source | None:
    del settings
    index = live.behaviour.index
    habits = None if index is None else taste_vector(index, live.keys, shopper.profile)
    if index is None or habits is None:
        return None
    return Near(EvidenceKind.BEHAVIOUR, index, habits, shopper.interests, shopper.strength)


def _text(live: LiveCatalogue, shopper: Shopper, settings: Settings) -> Source | None:
    if "history_step" in settings:
        strength = recency_weights(len(shopper.history), settings["history_step"])
        words = weighted_vector(live.text, shopper.history, strength)
        history = shopper.history
    else:
        words = taste_vector(live.text, live.keys, shopper.profile)
        history, strength = shopper.interests, shopper.strength
    return None if words is None else Near(EvidenceKind.TEXT, live.text, words, history, strength)


REQUIRED: Mapping[str, frozenset[str]] = {
    "transitions": frozenset(
        ("window", "step", "backwards", "row_power", "popularity_power", "history_step")
    ),
}
SOURCES: Mapping[str, Callable[[LiveCatalogue, Shopper, Settings], Source | None]] = {
    "own_frequency": _own_frequency,
    "popularity": _popularity,
    "copurchase": _copurchase,
    "transitions": _transitions,
    "users": _users,
    "text": _text,
}
