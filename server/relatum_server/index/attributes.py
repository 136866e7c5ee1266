"""The facts of products as columns by key, for filters and facets."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from relatum_server.domain import Availability, Facet, Product
from relatum_server.errors import InvalidArgumentError
from relatum_server.index import filter as language
from relatum_server.index.base import Mask

MAX_FACET_VALUES = 20
BOUNDS = {
    "price": (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10_000),
    "rating": (0, 1, 2, 3, 4, 4.5, 5),
}
LEVEL = ">"
_AVAILABILITY = {state: (state or Availability.IN_STOCK).name for state in Availability}
_COMPARE: dict[str, Callable[[NDArray[np.float64], float], Mask]] = {
    "=": lambda a, b: np.isclose(a, b, rtol=0, atol=5e-10),
    "!=": lambda a, b: ~np.isclose(a, b, rtol=0, atol=5e-10),
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


@dataclass(frozen=True, slots=True)
class _WordArrays:
    """Postings of a column: value i is on the products keys[ends[i]:ends[i + 1]]."""

    values: tuple[str, ...]
    ends: NDArray[np.int64]
    keys: NDArray[np.int64]


class AttributeTable:
    """Numbers as arrays by key (NaN where absent), words as sets of keys by value.

    Words are compared without regard to case. `categories:"Dairy"` matches any level of a path and
    the whole path. A comparison is false for a product that lacks the column; its `!=` is true.
    """

    def __init__(self) -> None:
        self._numbers = {name: np.full(1024, np.nan) for name in ("price", "rating")}
        self._live = np.zeros(1024, np.bool_)
        self._words: dict[str, dict[str, set[int]]] = {}
        self._spellings: dict[str, dict[str, str]] = {}
        self._facts: dict[int, tuple[tuple[str, str], ...]] = {}
        self._attribute_numbers: dict[str, dict[int, tuple[float, ...]]] = {}
        self._numbered: dict[int, tuple[str, ...]] = {}
        # Postings as arrays, made when they are first asked for after a change.
        self._word_arrays: dict[str, _WordArrays] = {}
        self._number_arrays: dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]] = {}
        self._lock = threading.RLock()

    def upsert(self, rows: Sequence[tuple[int, Product]]) -> None:
        """Insert or replace."""
        changed = set()
        with self._lock:
            for key, product in rows:
                self._grow(key)
                if self._live[key]:
                    self._drop(key)
                self._live[key] = True
                price, rating = product.price, product.rating
                self._numbers["price"][key] = np.nan if price is None else price.amount
                self._numbers["rating"][key] = np.nan if rating is None else rating.average
                facts = tuple(dict.fromkeys(_facts(product)))
                self._facts[key] = facts
                for column, value in facts:
                    folded = value.casefold()
                    holders = self._words.setdefault(column, {}).get(folded)
                    if holders is None:
                        self._words[column][folded] = {key}
                        self._spellings.setdefault(column, {})[folded] = value
                    else:
                        holders.add(key)
                    changed.add(column)
                numbers = {
                    language.ATTRIBUTE + name: attribute.numbers
                    for name, attribute in product.attributes.items()
                    if attribute.numbers
                }
                for column, values in numbers.items():
                    self._attribute_numbers.setdefault(column, {})[key] = values
                    self._number_arrays.pop(column, None)
                if numbers:
                    self._numbered[key] = tuple(numbers)
            for column in changed:
                self._word_arrays.pop(column, None)

    def remove(self, keys: Sequence[int]) -> None:
        """Remove; unknown keys are ignored."""
        with self._lock:
            for key in keys:
                self._drop(key)

    def mask(self, filter_text: str) -> Mask:
        """Which products match: bool by key. InvalidArgumentError names the column."""
        tree = language.parse(filter_text)
        with self._lock:
            return self._evaluate(tree) & self._live

    def facet(self, column: str, keys: NDArray[np.int64]) -> Facet:
        """The 20 commonest values of a column among these products, as first spelt.

        Raises:
            InvalidArgumentError: no such column.
        """
        if column in BOUNDS:
            return self._ranges(column, keys)
        known = {"brand", "categories", "availability", "platform", "language_code"}
        attribute = column.startswith(language.ATTRIBUTE) and column != language.ATTRIBUTE
        if column not in known and not attribute:
            raise InvalidArgumentError(
                "facets",
                f"no facet {column[:64]!r}; facets are {', '.join(sorted(known | set(BOUNDS)))} "
                "and attributes.NAME",
                reason="UNKNOWN_FACET",
            )
        wanted = "category_path" if column == "categories" else column
        with self._lock:
            postings = self._words_as_arrays(wanted)
            chosen = np.zeros(len(self._live), np.bool_)
            chosen[keys[keys < len(chosen)]] = True
        sums = np.concatenate([[0], np.cumsum(chosen[postings.keys])])
        counts = np.diff(sums[postings.ends])
        present = np.flatnonzero(counts)
        ordered = sorted(
            ((postings.values[i], int(counts[i])) for i in present.tolist()),
            key=lambda pair: (-pair[1], pair[0]),
        )
        return Facet(column, tuple(ordered[:MAX_FACET_VALUES]))

    def _ranges(self, column: str, keys: NDArray[np.int64]) -> Facet:
        bounds = BOUNDS[column]
        with self._lock:
            values = self._numbers[column]
            values = values[keys[keys < len(values)]]
        values = values[~np.isnan(values)]
        places = np.searchsorted(bounds, values, side="right") - 1
        counts = Counter(places[places >= 0].tolist())
        ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        names = [f"{low:g}" for low in bounds] + [""]
        return Facet(
            column, tuple((f"{names[p]}..{names[p + 1]}", n) for p, n in ordered[:MAX_FACET_VALUES])
        )

    def _evaluate(self, node: language.Node) -> Mask:
        match node:
            case language.Not(term):
                return ~self._evaluate(term)
            case language.Junction("AND", terms):
                return reduce(np.logical_and, map(self._evaluate, terms))
            case language.Junction(_, terms):
                return reduce(np.logical_or, map(self._evaluate, terms))
            case language.Comparison(column, op, value):
                return self._compare(column, op, value)

    def _compare(self, column: str, op: str, value: str) -> Mask:
        if column in language.NUMBERS:
            numbers = self._numbers[column]
            with np.errstate(invalid="ignore"):
                return _COMPARE[op](numbers, float(value))
        found = np.zeros(len(self._live), np.bool_)
        if op in {"=", "!=", ":"}:
            folded = value.strip().casefold()
            _mark(found, self._words.get(column, {}).get(folded))
            if column == "categories":
                _mark(found, self._words.get("category_path", {}).get(folded))
            if column == "availability":
                _check_availability(value)
        wanted = language.number(value)
        if column.startswith(language.ATTRIBUTE) and wanted is not None:
            compare = _COMPARE["=" if op in {":", "!="} else op]
            keys, numbers = self._numbers_as_arrays(column)
            found[keys[compare(numbers, wanted)]] = True
        return ~found if op == "!=" else found

    def _drop(self, key: int) -> None:
        for column, value in self._facts.pop(key, ()):
            folded = value.casefold()
            holders = self._words[column].get(folded)
            if holders is None:  # two spellings of one value: gone with the first
                continue
            holders.discard(key)
            if not holders:
                del self._words[column][folded]
                self._spellings[column].pop(folded, None)
            self._word_arrays.pop(column, None)
        for column in self._numbered.pop(key, ()):
            del self._attribute_numbers[column][key]
            self._number_arrays.pop(column, None)
        if key < len(self._live):
            self._live[key] = False
            for values in self._numbers.values():
                values[key] = np.nan

    def _words_as_arrays(self, column: str) -> "_WordArrays":
        arrays = self._word_arrays.get(column)
        if arrays is None:
            holders = self._words.get(column, {})
            ends = np.cumsum([0, *map(len, holders.values())])
            keys = np.fromiter(chain.from_iterable(holders.values()), np.int64, int(ends[-1]))
            spellings = self._spellings.get(column, {})
            arrays = _WordArrays(tuple(spellings[folded] for folded in holders), ends, keys)
            if holders:
                self._word_arrays[column] = arrays
        return arrays

    def _numbers_as_arrays(self, column: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        arrays = self._number_arrays.get(column)
        if arrays is None:
            pairs = [
                (key, value)
                for key, values in self._attribute_numbers.get(column, {}).items()
                for value in values
            ]
            arrays = (
                np.array([key for key, _ in pairs], np.int64),
                np.array([value for _, value in pairs], np.float64),
            )
            if pairs:  # any name may be asked for: do not keep what is not there
                self._number_arrays[column] = arrays
        return arrays

    def _grow(self, key: int) -> None:
        size = len(self._live)
        if key < size:
            return
        more = max(size, key + 1 - size)
        self._live = np.concatenate([self._live, np.zeros(more, np.bool_)])
        for name, values in self._numbers.items():
            self._numbers[name] = np.concatenate([values, np.full(more, np.nan)])


def _mark(found: Mask, keys: set[int] | None) -> None:
    if keys:
        found[np.fromiter(keys, np.int64, len(keys))] = True


def _facts(product: Product) -> list[tuple[str, str]]:
    """(column, value) of all words; category paths stand whole under `category_path` too."""
    facts = [
        ("brand", product.brand),
        ("platform", product.platform),
        ("language_code", product.language_code),
        ("group_id", product.group_id),
        ("availability", _AVAILABILITY[product.availability]),
    ]
    for name, attribute in product.attributes.items():
        facts += [(language.ATTRIBUTE + name, value) for value in attribute.text]
    facts = [(column, stripped) for column, value in facts if (stripped := value.strip())]
    for path in product.categories:
        facts += _path_facts(path)
    return facts


@lru_cache(maxsize=16_384)  # many products share a path
def _path_facts(path: str) -> tuple[tuple[str, str], ...]:
    levels = (level.strip() for level in path.split(LEVEL))
    whole = (("category_path", path.strip()),) if path.strip() else ()
    return (*whole, *(("categories", level) for level in levels if level))


def _check_availability(value: str) -> None:
    names = [state.name for state in Availability if state]
    if value.strip().upper() not in names:
        raise InvalidArgumentError(
            "filter",
            f"availability is one of {', '.join(names)}, not {value[:40]!r}",
            reason="INVALID_FILTER",
        )
