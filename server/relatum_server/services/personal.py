"""Products for one shopper: an additive score over what is known of the history."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from relatum_server.artifact import RankerSource, RankerSpec
from relatum_server.ranking.explanation import Contribution, Ranking, union
from relatum_server.ranking.profile import ShopperProfile
from relatum_server.services.histories import MAKERS, Maker
from relatum_server.services.live import LiveCatalogue
from relatum_server.services.ranker import DEFAULT, check_ranker
from relatum_server.services.shopper import Shopper
from relatum_server.services.sources import Source

Keys = NDArray[np.int64]
Mask = NDArray[np.bool_]
Values = NDArray[np.float64]


class PersonalRanker:
    """Ranks for a profile that is not empty, as the artifact's ranker says."""

    def __init__(
        self,
        live: LiveCatalogue,
        spec: RankerSpec | None = None,
        makers: Mapping[str, Maker] | None = None,
    ) -> None:
        """Rank by a ranker, or by `DEFAULT`.

        Args:
            live: the catalogue.
            spec: the artifact's ranker, if it has one.
            makers: what asks a source, by name, in the place of the usual one.

        Raises:
            ArtifactError: the ranker asks for what this server does not have.
        """
        self._live = live
        self._spec = spec or DEFAULT
        self._makers = {**MAKERS, **(makers or {})}
        check_ranker(self._spec)

    def rank(
        self, profile: ShopperProfile, allowed: Mask | None, given: Keys | None = None
    ) -> Ranking:
        """Score candidates; unordered. One of which no source says anything has 0 and comes last.

        Args:
            profile: the shopper's.
            allowed: keys that may be ranked, or None for all.
            given: rank just these instead of finding candidates.
        """
        shopper = Shopper.of(self._live, profile)
        known: list[tuple[RankerSource, Source]] = []
        for spec in self._spec.sources:
            source = self._makers[spec.name](self._live, shopper, spec.settings)
            if source is not None:
                known.append((spec, source))
        if given is None:
            keys = union(
                [source.best(s.candidates, allowed) for s, source in known if s.candidates]
            )
        else:
            keys = np.unique(given)
        own = self._live.keys.keys_of(profile.purchases)
        had = np.isin(keys, own)
        if not self._spec.repeats:
            keys, had = keys[~had], had[~had]
        return Ranking(
            keys, tuple(_contribution(spec, source, keys, had) for spec, source in known)
        )


def _contribution(spec: RankerSource, source: Source, keys: Keys, had: Mask) -> Contribution:
    """Weight x max(value, 0)^power of each, the weight by whether the shopper had it."""
    values, movers = source.of(keys)
    weight = np.where(had, spec.weight, spec.new_weight)
    return Contribution(source.kind, weight * np.maximum(values, 0.0) ** spec.power, movers)
