"""Corrects queries by a catalogue's words, as the server does before it encodes them."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

from rapidfuzz import process
from rapidfuzz.distance import OSA

from relatum_export.corpus.text import ProductText

MIN_TYPED = 4  # shorter words have too many neighbours
MIN_KNOWN = 3
MAX_WORDS = 32  # more is a text, not a query
DISTANCE = 1
_RUNS = re.compile(r"[^\W\d_]+")
_IS_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]")


class SpellingCorrector:
    """The server's correction of queries, fitted on the products of a corpus.

    A word stays if it is in any text of a product, under four letters, together with a digit, or
    Chinese, Japanese or Korean. Else the commonest word of titles, brands and categories that is
    one slip away (a letter left out, put in, or another, two neighbours swapped) takes its place,
    ties by the alphabet. A test holds the server to the same answers.

    **Source**: Damerau 1964, A technique for computer detection and correction of spelling errors,
    CACM 7(3).
    """

    def __init__(self, products: Iterable[ProductText]) -> None:
        """Count the products' words.

        Args:
            products: as in `products.jsonl`, which the server is given.
        """
        self._named: Counter[str] = Counter()
        self._known: set[str] = set()
        for product in products:
            names = _words(" ".join([product.title, product.brand, *product.categories]))
            self._named.update(names)
            self._known |= names
            texts = [text for given in (product.attributes or {}).values() for text in given]
            self._known |= _words(" ".join([*texts, product.description]))
        self._by_length: dict[int, list[str]] = {}
        for word in self._named:
            self._by_length.setdefault(len(word), []).append(word)
        self._nearest: dict[str, str] = {}

    def correct(self, query: str) -> str:
        """The query with its misspelt words replaced; the very query where there are none."""
        text = unicodedata.normalize("NFKC", query)
        if len(_RUNS.findall(text)) > MAX_WORDS:
            return query
        parts = re.split(r"(\s+)", text)
        spelt = "".join(
            part if any(c.isdigit() for c in part) else _RUNS.sub(self._replacement, part)
            for part in parts
        )
        return query if spelt == text else spelt

    def _replacement(self, run: re.Match[str]) -> str:
        word = run.group().lower()
        plain = len(word) >= MIN_TYPED and _RUNS.fullmatch(word) and not _IS_CJK.search(word)
        if not plain or word in self._known:
            return run.group()
        if word not in self._nearest:
            self._nearest[word] = self._commonest_near(word)
        return self._nearest[word] or run.group()

    def _commonest_near(self, word: str) -> str:
        found: list[str] = []
        for length in range(len(word) - DISTANCE, len(word) + DISTANCE + 1):
            near = process.extract(
                word,
                self._by_length.get(length, ()),
                scorer=OSA.distance,
                score_cutoff=DISTANCE,
                limit=None,
            )
            found += [one for one, _, _ in near]
        return min(found, key=lambda one: (-self._named[one], one), default="")


def _words(text: str) -> set[str]:
    """Distinct runs of three letters or more, NFKC, lower case, without Chinese and the like."""
    runs = _RUNS.findall(unicodedata.normalize("NFKC", text).lower())
    return {run for run in runs if len(run) >= MIN_KNOWN and not _IS_CJK.search(run)}
