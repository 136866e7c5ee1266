"""CompleteQuery: what a shopper may be typing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from relatum_server.errors import InvalidArgumentError
from relatum_server.services.limits import Limits
from relatum_server.services.live import LiveCatalogue
from relatum_server.services.validation import Violations, page_size
from relatum_server.store.base import Store

DEFAULT_SIZE = 10
MAX_SIZE = 20
_POOL = 200


@dataclass(frozen=True, slots=True)
class Completions:
    """Queries with their counts, and products (id, title)."""

    queries: Sequence[tuple[str, int]]
    products: Sequence[tuple[str, str]]


class CompletionService:
    """CompleteQuery."""

    def __init__(self, store: Store, live: LiveCatalogue, limits: Limits) -> None:
        self._store = store
        self._live = live
        self._limits = limits

    def complete(self, prefix: str, size: int = 0) -> Completions:
        """Queries of at least two shoppers, most frequent first; products, most popular first.

        Raises:
            InvalidArgumentError: an empty or too long prefix, a negative size.
        """
        if not prefix.strip():
            raise InvalidArgumentError("prefix", "is empty; give what was typed so far")
        found = Violations()
        found.text("prefix", prefix, self._limits.max_prefix_bytes)
        found.check()
        size = page_size(size, DEFAULT_SIZE, MAX_SIZE)
        keys = np.array(self._live.lexical.complete(prefix, _POOL), dtype=np.int64)
        popularity = self._live.traffic.popularity(keys)
        chosen = keys[np.lexsort((keys, -popularity))][:size].tolist()
        products = self._store.get_products_by_key(chosen)
        return Completions(
            self._live.traffic.queries.complete(prefix, size),
            [(products[key].id, products[key].title) for key in chosen if key in products],
        )
