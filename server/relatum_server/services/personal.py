"""Products for one shopper: an additive score over what is known of the history."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relatum_server.domain import EvidenceKind
from relatum_server.index.base import Index
from relatum_server.ranking.explanation import NO_PRODUCT, Contribution, Ranking, union
from relatum_server.ranking.profile import ShopperProfile
from relatum_server.services.live import LiveCatalogue
from relatum_server.services.relation import allowed_rows, together
from relatum_server.services.taste import interests, taste_vector

POOL = 200
HISTORY = 30
Keys = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class PersonalWeights:
    """Weights of the parts.

    Attributes:
        repeat: of the shopper's own frequency (0.9 per basket, over its largest).
        recent: of the share of the last seven days' baskets.
        copurchase: of the weighted mean association with the history.
        behaviour: of the inner product with the history's behaviour vector.
        text: of the inner product with the history's text vector.

    **Source**: the first two, with these weights, are the strongest simple baseline on the
    grocery sets of docs/benchmarks.md.
    """

    repeat: float = 1.0
    recent: float = 3.0
    copurchase: float = 0.3
    behaviour: float = 0.05
    text: float = 0.02


class PersonalRanker:
    """Ranks for a profile that is not empty."""

    def __init__(self, live: LiveCatalogue, weights: PersonalWeights | None = None) -> None:
        self._live = live
        self._weights = weights or PersonalWeights()

    def rank(
        self, profile: ShopperProfile, allowed: Mask | None, given: Keys | None = None
    ) -> Ranking:
        """Score candidates; unordered.

        Args:
            profile: the shopper's.
            allowed: keys that may be ranked, or None for all.
            given: rank just these instead of finding candidates.
        """
        live, w = self._live, self._weights
        history, strength = interests(live.keys, profile)
        liked = strength > 0
        total = strength[liked].sum()
        anchors = [
            (int(key), float(weight / total))
            for key, weight in zip(history[liked][:HISTORY], strength[liked][:HISTORY], strict=True)
        ]
        near, associations, movers = together(live, anchors, allowed)
        behaviour = live.behaviour.index
        habits = None if behaviour is None else taste_vector(behaviour, live.keys, profile)
        words = taste_vector(live.text, live.keys, profile)
        if given is None:
            keys = self._candidates(
                profile,
                near,
                associations=associations,
                habits=habits,
                words=words,
                allowed=allowed,
            )
        else:
            keys = np.unique(given)
        value = np.zeros(len(keys))
        mover = np.full(len(keys), NO_PRODUCT, np.int64)
        at = np.searchsorted(near, keys)
        inside = np.flatnonzero(at < len(near))
        inside = inside[near[at[inside]] == keys[inside]]
        value[inside] = associations[at[inside]]
        mover[inside] = movers[at[inside]]
        repeats = [profile.repeats.get(live.keys.id_of(key), 0.0) for key in keys.tolist()]
        parts = [
            Contribution(EvidenceKind.REPEAT, w.repeat * np.array(repeats, np.float64)),
            Contribution(EvidenceKind.POPULARITY, w.recent * live.traffic.recent_shares(keys)),
            Contribution(EvidenceKind.CO_PURCHASE, w.copurchase * value, mover),
        ]
        if behaviour is not None and habits is not None:
            parts.append(
                _space(
                    EvidenceKind.BEHAVIOUR,
                    behaviour,
                    habits,
                    keys,
                    weight=w.behaviour,
                    history=history,
                    strength=strength,
                )
            )
        if words is not None:
            parts.append(
                _space(
                    EvidenceKind.TEXT,
                    live.text,
                    words,
                    keys,
                    weight=w.text,
                    history=history,
                    strength=strength,
                )
            )
        return Ranking(keys, tuple(parts))

    def _candidates(
        self,
        profile: ShopperProfile,
        near: Keys,
        *,
        associations: NDArray[np.float64],
        habits: NDArray[np.float32] | None,
        words: NDArray[np.float32] | None,
        allowed: Mask | None,
    ) -> Keys:
        """The own products, what goes with them, what is near them, and what is popular."""
        live = self._live
        recent = live.traffic.recently_popular(POOL)
        popular = live.traffic.popular(POOL)
        found = [live.keys.keys_of(profile.repeats), recent, popular]
        if allowed is not None:
            found = [keys[allowed_rows(allowed, keys)] for keys in found]
        found.append(near[np.argsort(-associations, kind="stable")[:POOL]])
        behaviour = live.behaviour.index
        if behaviour is not None and habits is not None:
            found.append(behaviour.search(habits, POOL, allowed=allowed).keys)
        if words is not None:
            found.append(live.text.search(words, POOL, allowed=allowed).keys)
        return union(found)


def _space(
    kind: EvidenceKind,
    index: Index,
    taste: NDArray[np.float32],
    keys: Keys,
    *,
    weight: float,
    history: Keys,
    strength: NDArray[np.float64],
) -> Contribution:
    """Inner products with a taste, each with the product of the history that adds most to it."""
    values, present = index.scores(taste, keys)
    own, _ = index.get(history)
    theirs, _ = index.get(keys)
    moved = (theirs @ own.T) * strength.astype(np.float32)
    movers = np.where(present, history[moved.argmax(axis=1)], NO_PRODUCT)
    return Contribution(kind, weight * values, movers)
