"""Filters and facets over the columns of the products."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from relatum_server.domain import Facet, Product
from relatum_server.services.limits import Limits
from relatum_server.services.validation import Violations

Mask = NDArray[np.bool_]


class AttributeColumns(Protocol):
    """The columns that filters and facets read. Safe from any thread."""

    def upsert(self, rows: Sequence[tuple[int, Product]]) -> None:
        """Insert or replace."""
        ...

    def remove(self, keys: Sequence[int]) -> None:
        """Remove; unknown keys are ignored."""
        ...

    def mask(self, filter_text: str) -> Mask:
        """Bool by key: which products match. InvalidArgumentError names the column."""
        ...

    def facet(self, column: str, keys: NDArray[np.int64]) -> Facet:
        """Counts of a column's values among these products."""
        ...


class Filtering:
    """Checks filters and facets, and lets the columns answer them."""

    def __init__(self, columns: AttributeColumns) -> None:
        self._columns = columns

    def mask(self, filter_text: str, limits: Limits) -> Mask | None:
        """Keys that a filter allows, or None for an empty filter."""
        if not filter_text:
            return None
        found = Violations()
        found.text("filter", filter_text, limits.max_filter_bytes)
        found.check()
        return self._columns.mask(filter_text)

    def facets(self, columns: Sequence[str], keys: NDArray[np.int64]) -> tuple[Facet, ...]:
        """Counts of each column, in order."""
        return tuple(self._columns.facet(column, keys) for column in columns)

    def upsert(self, keys: Sequence[int], products: Sequence[Product]) -> None:
        """Insert or replace."""
        self._columns.upsert(list(zip(keys, products, strict=True)))

    def remove(self, keys: Sequence[int]) -> None:
        """Remove; unknown keys are ignored."""
        self._columns.remove(keys)
