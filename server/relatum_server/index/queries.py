"""Words searched for, which complete what the next shopper types."""

import bisect
import hashlib
import re
import threading
import unicodedata
from collections import Counter, OrderedDict
from collections.abc import Sequence

import msgspec

MAX_QUERIES = 100_000
MAX_QUERY_CHARS = 200
_RUNS = re.compile(r"[^\W\d_]+")


class QueryCount(msgspec.Struct, array_like=True):
    """One query.

    Attributes:
        count: searches.
        first: 63 bits of the hash of the first shopper; 0 while none is known.
        shared: whether a second shopper used it.
    """

    count: int = 0
    first: int = 0
    shared: bool = False


class QueryLog:
    """Counts of queries. One is suggested once two shoppers used it: it may be a secret before.

    Of the 100,000 queries used last; longer ones than 200 characters complete nothing and are not
    counted. One writer; readers from any thread.
    """

    def __init__(self, counts: Sequence[tuple[str, QueryCount]] = ()) -> None:
        """Start from what `save` gave."""
        self._counts: OrderedDict[str, QueryCount] = OrderedDict(counts)
        self._shared = sorted(words for words, query in counts if query.shared)
        self._words = Counter(word for query in self._shared for word in _RUNS.findall(query))
        self._lock = threading.Lock()

    def add(self, query: str, shopper: str) -> None:
        """Count a search by a (hashed) shopper; "" is nobody, who counts for no suggestion."""
        words = _normalise(query)
        if not words or len(words) > MAX_QUERY_CHARS:
            return
        name = _name(shopper)
        with self._lock:
            known = self._counts.get(words)
            if known is None:
                known = self._counts[words] = QueryCount()
                if len(self._counts) > MAX_QUERIES:
                    self._forget_oldest()
            else:
                self._counts.move_to_end(words)
            known.count += 1
            if name and not known.first:
                known.first = name
            elif name and name != known.first and not known.shared:
                known.shared = True
                bisect.insort(self._shared, words)
                self._words.update(_RUNS.findall(words))

    def shares(self, word: str) -> bool:
        """Whether a word (lower case) is in a query of at least two shoppers."""
        return self._words[word] > 0

    def complete(self, prefix: str, k: int) -> Sequence[tuple[str, int]]:
        """Queries of at least two shoppers that begin so, and their counts, most frequent first."""
        start = _normalise(prefix)
        with self._lock:
            place = bisect.bisect_left(self._shared, start)
            found = []
            while place < len(self._shared) and self._shared[place].startswith(start):
                found.append((self._shared[place], self._counts[self._shared[place]].count))
                place += 1
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))[:k]

    def save(self) -> list[tuple[str, QueryCount]]:
        """Everything, what was used last at the end; the caller holds writes back."""
        return list(self._counts.items())

    def _forget_oldest(self) -> None:
        words, query = self._counts.popitem(last=False)
        if query.shared:
            del self._shared[bisect.bisect_left(self._shared, words)]
            for word in _RUNS.findall(words):
                self._words[word] -= 1
                if not self._words[word]:
                    del self._words[word]


def _normalise(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).lower().split())


def _name(shopper: str) -> int:
    """63 bits that tell shoppers apart; 0 for nobody."""
    if not shopper:
        return 0
    digest = hashlib.blake2b(shopper.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1 or 1
