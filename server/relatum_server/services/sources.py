"""What a source of candidates says of the catalogue for one shopper."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from relatum_server.domain import EvidenceKind
from relatum_server.index.base import Space
from relatum_server.index.exact import is_allowed
from relatum_server.ranking.explanation import NO_PRODUCT, union
from relatum_server.services.live import LiveCatalogue

Keys = NDArray[np.int64]
Mask = NDArray[np.bool_]
Values = NDArray[np.float64]
Vectors = NDArray[np.float32]


class Source(Protocol):
    """One opinion on the catalogue; 0 of a product that it has nothing to say of."""

    @property
    def kind(self) -> EvidenceKind:
        """As what it counts in the evidence."""
        ...

    def best(self, k: int, allowed: Mask | None) -> Keys:
        """Its k best of the allowed products, in no order."""
        ...

    def of(self, keys: Keys) -> tuple[Values, Keys | None]:
        """Its values of these, and the product of the history that moved each; -1 for none."""
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

    def best(self, k: int, allowed: Mask | None) -> Keys:
        """See `Source`."""
        keys, values = self.keys, self.values
        if allowed is not None:
            kept = is_allowed(keys, allowed)
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
        asked: the space of the history's vectors.
        found: the space of the candidates.
        query: float32 [d].
        history: keys of the products that made the query.
        strength: their weights.
    """

    kind: EvidenceKind
    asked: Space
    found: Space
    query: Vectors
    history: Keys
    strength: Values

    def best(self, k: int, allowed: Mask | None) -> Keys:
        """See `Source`."""
        return self.found.search(self.query, k, allowed=allowed).keys

    def of(self, keys: Keys) -> tuple[Values, Keys | None]:
        """See `Source`: each is moved by the product of the history that adds most to it."""
        values, present = self.found.scores(self.query, keys)
        own, _ = self.asked.get(self.history)
        theirs, _ = self.found.get(keys)
        moved = (theirs @ own.T) * self.strength.astype(np.float32)
        return values, np.where(present, self.history[moved.argmax(axis=1)], NO_PRODUCT)


class RecentlyPopular:
    """Share of the last seven days' baskets, of every product."""

    kind = EvidenceKind.POPULARITY

    def __init__(self, live: LiveCatalogue) -> None:
        self._live = live

    def best(self, k: int, allowed: Mask | None) -> Keys:
        """See `Source`; after those of the last days, those of the weeks before."""
        traffic = self._live.traffic
        found = union([traffic.recently_popular(k), traffic.popular(k)])
        return found[is_allowed(found, allowed)]

    def of(self, keys: Keys) -> tuple[Values, Keys | None]:
        """See `Source`."""
        return self._live.traffic.recent_shares(keys), None


class Popular:
    """Purchases of all time over the most bought product's."""

    kind = EvidenceKind.POPULARITY

    def __init__(self, live: LiveCatalogue) -> None:
        self._live = live

    def best(self, k: int, allowed: Mask | None) -> Keys:
        """See `Source`."""
        found = self._live.traffic.most_bought(k)
        return found[is_allowed(found, allowed)]

    def of(self, keys: Keys) -> tuple[Values, Keys | None]:
        """See `Source`."""
        traffic = self._live.traffic
        return traffic.baskets(keys) / max(traffic.most_baskets(), 1.0), None
