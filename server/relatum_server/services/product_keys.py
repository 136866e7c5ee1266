"""Which product each index key is, with the few facts that ranking asks for at once."""

import threading
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from relatum_server.domain import Product

Keys = NDArray[np.int64]
_NONE = -1


class ProductKeys:
    """Ids, groups and categories by key. One writer; readers take no lock.

    A key is written before its id can be found, and arrays are replaced when they grow, so that a
    reader sees a product whole or not at all.
    """

    def __init__(self) -> None:
        self._key_of: dict[str, int] = {}
        self._id_of: dict[int, str] = {}
        self._groups: Keys = np.full(1024, _NONE, np.int64)
        self._categories: Keys = np.full(1024, _NONE, np.int64)
        self._present = np.zeros(1024, np.bool_)
        self._group_numbers: dict[str, int] = {}
        self._category_numbers: dict[str, int] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._key_of)

    def __contains__(self, product_id: str) -> bool:
        return product_id in self._key_of

    def put(self, key: int, product: Product) -> None:
        """Insert or replace."""
        with self._lock:
            if key >= len(self._groups):
                size = max(2 * len(self._groups), key + 1)
                self._groups = _grown(self._groups, size)
                self._categories = _grown(self._categories, size)
                self._present = np.concatenate(
                    [self._present, np.zeros(size - len(self._present), np.bool_)]
                )
            self._groups[key] = _number(self._group_numbers, product.group_id)
            category = product.categories[0] if product.categories else ""
            self._categories[key] = _number(self._category_numbers, category)
            self._id_of[key] = product.id
            self._key_of[product.id] = key
            self._present[key] = True

    def remove(self, key: int) -> str | None:
        """Remove a key; its id, or None if it is unknown."""
        with self._lock:
            product_id = self._id_of.pop(key, None)
            if product_id is not None:
                self._present[key] = False
                if self._key_of.get(product_id) == key:
                    del self._key_of[product_id]
            return product_id

    def key_of(self, product_id: str) -> int | None:
        """The key of an id, or None."""
        return self._key_of.get(product_id)

    def id_of(self, key: int) -> str:
        """The id of a key; "" if it is unknown."""
        return self._id_of.get(key, "")

    def keys_of(self, ids: Iterable[str]) -> Keys:
        """int64 keys of the known ones, in order."""
        found = (self._key_of.get(i) for i in ids)
        return np.array([key for key in found if key is not None], dtype=np.int64)

    def ids(self) -> list[str]:
        """All ids."""
        with self._lock:
            return list(self._key_of)

    def ids_allowed(self, allowed: NDArray[np.bool_]) -> list[str]:
        """Ids of the keys that a mask allows."""
        known = (self._id_of.get(int(key)) for key in np.flatnonzero(allowed))
        return [product_id for product_id in known if product_id is not None]

    def present(self, keys: Keys) -> NDArray[np.bool_]:
        """Bool [n]: which keys are of products now."""
        return self._present[keys]

    def groups(self, keys: Keys) -> Keys:
        """int64 [n]: number of each product's group, -1 for a group of its own."""
        return self._groups[keys]

    def categories(self, keys: Keys) -> Keys:
        """int64 [n]: number of each product's first category, -1 without one."""
        return self._categories[keys]

    def mask(self, keys: Sequence[int] | Keys) -> NDArray[np.bool_]:
        """Bool by key that allows just these."""
        allowed = np.zeros(len(self._groups), np.bool_)
        allowed[np.asarray(keys, dtype=np.int64)] = True
        return allowed


def _grown(values: Keys, size: int) -> Keys:
    grown = np.full(size, _NONE, np.int64)
    grown[: len(values)] = values
    return grown


def _number(numbers: dict[str, int], name: str) -> int:
    return numbers.setdefault(name, len(numbers)) if name else _NONE
