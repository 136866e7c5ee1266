"""Indexes and counters in dictionaries, for tests of services."""

import math
import threading
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from relatum_server.domain import Facet, Product
from relatum_server.errors import InvalidArgumentError
from relatum_server.index.base import Hits, Keys, Mask, Vectors

_DAY_US = 86_400 * 1_000_000


def _allows(allowed: Mask | None, key: int) -> bool:
    return allowed is None or (key < len(allowed) and bool(allowed[key]))


class FakeIndex:
    """`Index`, searched exactly."""

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self._vectors: dict[int, np.ndarray] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._vectors)

    def upsert(self, keys: Keys, vectors: Vectors) -> None:
        with self._lock:
            self._vectors |= dict(zip(keys.tolist(), vectors, strict=True))

    def remove(self, keys: Keys) -> None:
        with self._lock:
            for key in keys.tolist():
                self._vectors.pop(key, None)

    def search(self, query: Vectors, k: int, *, allowed: Mask | None = None) -> Hits:
        with self._lock:
            rows = [(float(v @ query), key) for key, v in self._vectors.items()]
        best = sorted((r for r in rows if _allows(allowed, r[1])), key=lambda r: (-r[0], r[1]))[:k]
        return Hits(
            np.array([key for _, key in best], np.int64),
            np.array([score for score, _ in best], np.float32),
        )

    def get(self, keys: Keys) -> tuple[Vectors, Mask]:
        found = [self._vectors.get(key) for key in keys.tolist()]
        zero = np.zeros(self.dimension, np.float32)
        rows = [zero if v is None else v for v in found]
        vectors = np.array(rows, np.float32).reshape(len(rows), self.dimension)
        return vectors, np.array([v is not None for v in found], np.bool_)

    def close(self) -> None:
        pass


class FakeLexical:
    """`LexicalIndex` that counts shared words."""

    def __init__(self) -> None:
        self._texts: dict[int, tuple[str, str]] = {}

    def upsert(self, documents: Sequence[tuple[int, str, str]]) -> None:
        for key, title, other in documents:
            self._texts[key] = (title.lower(), other.lower())

    def remove(self, keys: Sequence[int]) -> None:
        for key in keys:
            self._texts.pop(key, None)

    def search(self, query: str, k: int, *, allowed: Mask | None = None) -> Hits:
        keys = [key for key in list(self._texts) if _allows(allowed, key)]
        scores = self.score(query, keys)
        best = sorted((-float(s), key) for s, key in zip(scores, keys, strict=True) if s > 0)[:k]
        return Hits(
            np.array([key for _, key in best], np.int64),
            np.array([-score for score, _ in best], np.float32),
        )

    def score(self, query: str, keys: Sequence[int]) -> np.ndarray:
        words = set(query.lower().split())
        texts = [" ".join(self._texts.get(key, ("", ""))).split() for key in keys]
        return np.array([len(words & set(text)) for text in texts], np.float32)

    def complete(self, prefix: str, k: int) -> Sequence[int]:
        start = prefix.lower()
        return [
            key
            for key, (title, _) in self._texts.items()
            if any(word.startswith(start) for word in title.split())
        ][:k]

    def close(self) -> None:
        pass


class FakePopularity:
    """Purchases that halve in seven days."""

    def __init__(self) -> None:
        self._lines: dict[int, list[tuple[float, int]]] = defaultdict(list)
        self._newest = 0

    def add(self, key: int, weight: float, time_us: int) -> None:
        self._lines[key].append((weight, time_us))
        self._newest = max(self._newest, time_us)

    def remove(self, key: int) -> None:
        self._lines.pop(key, None)

    def _score(self, key: int) -> float:
        lines = self._lines.get(key, ())
        return math.fsum(w * 0.5 ** ((self._newest - t) / (7 * _DAY_US)) for w, t in lines)

    def scores(self, keys: Keys) -> np.ndarray:
        return np.array([self._score(key) for key in keys.tolist()], np.float64)

    def top(self, k: int) -> Sequence[int]:
        return sorted(self._lines, key=lambda key: (-self._score(key), key))[:k]


class FakeCoPurchase:
    """Baskets as sets."""

    def __init__(self) -> None:
        self._baskets: dict[str, set[int]] = defaultdict(set)

    def __len__(self) -> int:
        return len(self._baskets)

    def add(self, basket: str, key: int) -> None:
        self._baskets[basket].add(key)

    def remove(self, key: int) -> None:
        for basket in self._baskets.values():
            basket.discard(key)

    def neighbours(self, key: int, k: int) -> tuple[Keys, np.ndarray]:
        counts: Counter[int] = Counter()
        for basket in self._baskets.values():
            if key in basket:
                counts.update(basket - {key})
        best = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:k]
        return (
            np.array([key for key, _ in best], np.int64),
            np.array([count for _, count in best], np.float64),
        )

    def baskets(self, keys: Keys) -> np.ndarray:
        return np.array(
            [sum(key in b for b in self._baskets.values()) for key in keys.tolist()], np.float64
        )


class FakeQueryLog:
    """Queries with their shoppers."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._shoppers: dict[str, set[str]] = defaultdict(set)

    def add(self, query: str, shopper: str) -> None:
        words = " ".join(query.lower().split())
        self._counts[words] += 1
        self._shoppers[words].add(shopper)

    def complete(self, prefix: str, k: int) -> Sequence[tuple[str, int]]:
        found = [
            (query, count)
            for query, count in self._counts.items()
            if query.startswith(prefix.lower()) and len(self._shoppers[query]) > 1
        ]
        return sorted(found, key=lambda item: (-item[1], item[0]))[:k]


class FakeColumns:
    """Filters of the one form `COLUMN = "VALUE"` over brand and platform; facets of brand."""

    def __init__(self) -> None:
        self._products: dict[int, Product] = {}

    def upsert(self, rows: Sequence[tuple[int, Product]]) -> None:
        self._products |= dict(rows)

    def remove(self, keys: Sequence[int]) -> None:
        for key in keys:
            self._products.pop(key, None)

    def mask(self, filter_text: str) -> Mask:
        column, _, value = filter_text.partition(" = ")
        if column not in {"brand", "platform"}:
            raise InvalidArgumentError("filter", f"no column {column!r}")
        allowed = np.zeros(max(self._products, default=-1) + 1, np.bool_)
        for key, product in self._products.items():
            allowed[key] = getattr(product, column) == value.strip('"')
        return allowed

    def facet(self, column: str, keys: Keys) -> Facet:
        counts = Counter(getattr(self._products[key], column) for key in keys.tolist())
        return Facet(column, tuple(counts.most_common(20)))
