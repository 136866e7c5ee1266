"""Corrects the words of a query by those of the catalogue."""

import re
import threading
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping

from rapidfuzz import process
from rapidfuzz.distance import OSA

from relatum_server.index.segmentation import CJK

MIN_TYPED = 4  # shorter words have too many neighbours
MIN_KNOWN = 3
MAX_WORDS = 32  # more is a text, not a query
DISTANCE = 1
_RUNS = re.compile(r"[^\W\d_]+")
_IS_CJK = re.compile(rf"[{CJK}]")


def spelt_words(text: str) -> set[str]:
    """Distinct words that can be misspelt: runs of three letters or more, NFKC, lower case.

    Runs with Chinese, Japanese or Korean characters have no letters to slip on.
    """
    runs = _RUNS.findall(unicodedata.normalize("NFKC", text).lower())
    return {run for run in runs if len(run) >= MIN_KNOWN and not _IS_CJK.search(run)}


class Vocabulary:
    """How many products have each word: in a name (title, brand, category), and anywhere.

    A word of a description is known, so it stays, but only words of names are put in the place of
    others: descriptions hold more misspellings. One writer; readers from any thread.
    """

    def __init__(self, named: Mapping[str, int], anywhere: Mapping[str, int]) -> None:
        """Start from what was counted."""
        self._named: Counter[str] = Counter()
        self._anywhere = Counter(anywhere)
        self._by_length: dict[int, list[str]] = {}
        self._lock = threading.Lock()
        self.count(named, {})

    def __contains__(self, word: str) -> bool:
        return self._anywhere[word] > 0

    def count(self, named: Mapping[str, int], anywhere: Mapping[str, int]) -> None:
        """Add to the counts of words; what goes away is negative."""
        with self._lock:
            for word, products in named.items():
                if word not in self._named:
                    self._by_length.setdefault(len(word), []).append(word)
                self._named[word] += products
            for word, products in anywhere.items():
                self._anywhere[word] += products
                if not self._anywhere[word]:
                    del self._anywhere[word]

    def nearest(self, word: str) -> str:
        """The commonest word of names one slip away, ties by the alphabet; "" for none.

        A slip leaves a letter out, puts one in, takes another, or swaps two neighbours.

        **Source**: Damerau 1964, A technique for computer detection and correction of spelling
        errors, CACM 7(3).
        """
        found: list[str] = []
        with self._lock:
            for length in range(len(word) - DISTANCE, len(word) + DISTANCE + 1):
                near = process.extract(
                    word,
                    self._by_length.get(length, ()),
                    scorer=OSA.distance,
                    score_cutoff=DISTANCE,
                    limit=None,
                )
                found += [one for one, _, _ in near if self._named[one] > 0]
            return min(found, key=lambda one: (-self._named[one], one), default="")


def corrected(query: str, vocabulary: Vocabulary, asked_before: Callable[[str], bool]) -> str:
    """The query with its misspelt words replaced; the very query where there are none.

    A word is misspelt if neither the catalogue nor shoppers before know it, and a word of the
    catalogue is one slip away. Words under four letters, and whatever stands together with a digit
    (sizes, model numbers), stay; a query of more than 32 words stays whole.

    Args:
        query: as typed.
        vocabulary: the catalogue's words.
        asked_before: whether shoppers share a word, which need not be in the catalogue.
    """
    text = unicodedata.normalize("NFKC", query)
    if len(_RUNS.findall(text)) > MAX_WORDS:
        return query

    def replace(run: re.Match[str]) -> str:
        word = run.group().lower()
        plain = len(word) >= MIN_TYPED and _RUNS.fullmatch(word) and not _IS_CJK.search(word)
        if not plain or word in vocabulary or asked_before(word):
            return run.group()
        return vocabulary.nearest(word) or run.group()

    parts = re.split(r"(\s+)", text)
    spelt = [part if any(c.isdigit() for c in part) else _RUNS.sub(replace, part) for part in parts]
    result = "".join(spelt)
    return query if result == text else result
