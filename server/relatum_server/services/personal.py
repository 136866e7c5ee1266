"""Products for one shopper: an additive score over what is known of the history."""

import numpy as np
from numpy.typing import NDArray

from relatum_server.artifact import RankerSource, RankerSpec
from relatum_server.ranking.explanation import Contribution, Ranking, union
from relatum_server.ranking.profile import ShopperProfile
from relatum_server.services.live import LiveCatalogue
from relatum_server.services.sources import SOURCES, Shopper, Source, check_settings

POOL = 200
Keys = NDArray[np.int64]
Mask = NDArray[np.bool_]
DEFAULT = RankerSpec(
    version=1,
    repeats=True,
    sources=(
        RankerSource("own_frequency", 1.0, "none", 5000, {}),
        RankerSource("popularity", 3.0, "none", POOL, {}),
        RankerSource("copurchase", 0.3, "none", POOL, {}),
        RankerSource("users", 0.05, "none", POOL, {}),
        RankerSource("text", 0.02, "none", POOL, {}),
    ),
)
"""Without a ranker in the artifact.

**Source**: the first two, with these weights, are the strongest simple baseline on the grocery sets
of docs/benchmarks.md.
"""


class PersonalRanker:
    """Ranks for a profile that is not empty, as the artifact's ranker says.

    Raises:
        ArtifactError: the ranker asks for what this server does not have.

    Without a user encoder the source `users` is the mean of the history in the behaviour space.
    """

    def __init__(self, live: LiveCatalogue, spec: RankerSpec | None = None) -> None:
        self._live = live
        self._spec = spec or DEFAULT
        check_settings(self._spec)

    def rank(
        self, profile: ShopperProfile, allowed: Mask | None, given: Keys | None = None
    ) -> Ranking:
        """Score candidates; unordered.

        Args:
            profile: the shopper's.
            allowed: keys that may be ranked, or None for all.
            given: rank just these instead of finding candidates.
        """
        live = self._live
        shopper = Shopper.of(live, profile)
        asked = [
            (source, SOURCES[source.name](live, shopper, source.settings))
            for source in self._spec.sources
        ]
        known = [(spec, source) for spec, source in asked if source is not None]
        if given is None:
            keys = union(
                [source.best(s.candidates, allowed) for s, source in known if s.candidates]
            )
        else:
            keys = np.unique(given)
        if not self._spec.repeats:
            keys = keys[~np.isin(keys, live.keys.keys_of(profile.purchases))]
        return Ranking(keys, tuple(_contribution(spec, source, keys) for spec, source in known))


def _contribution(spec: RankerSource, source: Source, keys: Keys) -> Contribution:
    values, movers = source.of(keys)
    return Contribution(source.kind, spec.weight * _normalised(spec, source, values), movers)


def _normalised(
    spec: RankerSource, source: Source, values: NDArray[np.float64]
) -> NDArray[np.float64]:
    if spec.normalisation == "max":
        largest = source.largest()
        return values / largest if largest > 0 else np.zeros(len(values))
    if spec.normalisation == "zscore":
        spread = float(values.std()) if len(values) else 0.0
        return (values - values.mean()) / spread if spread > 0 else np.zeros(len(values))
    return values
