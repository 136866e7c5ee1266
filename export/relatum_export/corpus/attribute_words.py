"""Which values of a catalogue's attributes are words that tell products apart.

Attributes enter the text of a product, the graph and the search by words. What is left out: an
address, a hash, a value that nearly all products share, and what names where a row came from
rather than what the product is. Numbers written as text become numbers: filters read them, the
encoder does not. A product without any other words keeps what it has.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from relatum_export.corpus.product import Attributes, Product

MOST = 0.95  # of the catalogue: a value that as many share tells nothing apart
MIN_PRODUCTS = 20  # fewer cannot say what nearly all share
NUMBERS = 0.9  # of an attribute's values: it is then one of numbers
MAX_DIGITS = 15  # more, and a double cannot hold the number exactly
ADDRESS, HASH = "an address", "a hash"
SHARED, ORIGIN = "shared by nearly all products", "names the source, not the product"
ORIGINS = frozenset({"source", "dataset", "domain", "site", "website", "url", "uri", "link"})
LANGUAGES = frozenset({"lang", "lang_tag", "locale"})  # a product's language has its own field
_ADDRESS = re.compile(r"(?:[a-z][a-z0-9+.-]*://|www\.|data:[a-z]+/)\S+", re.IGNORECASE)
_HASH = re.compile(
    r"(?=[^a-f]*[a-f])(?=\D*\d)"  # a number alone is none, nor is a word of the letters a to f
    r"(?:[0-9a-f]{16,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[+-]?(?:0|[1-9]\d*)(?:\.\d+)?")  # 0123 is a code, which 123 is not


def without_codes(catalogue: Sequence[Product]) -> tuple[list[Product], dict[str, dict[str, int]]]:
    """The catalogue with attributes of words and numbers alone.

    Args:
        catalogue: in any order, which is kept.

    Returns:
        The products, and by attribute why how many values were left out or became numbers.
    """
    shared = _shared(catalogue)
    numeric = _numeric(catalogue)
    counts: dict[str, Counter[str]] = {}
    made = []
    for product in catalogue:
        kept: Attributes = {}
        moved: list[tuple[str, str]] = []
        for key, (words, numbers) in product.attributes.items():
            left, more = [], list(numbers)
            for word in words:
                reason = _reason(key, word, shared)
                if not reason and key in numeric and _is_number(word):
                    more.append(float(word))
                    reason = "a number"
                if reason:
                    moved.append((key, reason))
                else:
                    left.append(word)
            if left or more:
                kept[key] = (left, more)
        if not moved or not _has_words(product, kept):
            made.append(product)
            continue
        for key, reason in moved:
            counts.setdefault(key, Counter())[reason] += 1
        made.append(replace(product, attributes=kept))
    return made, {key: dict(sorted(counts[key].items())) for key in sorted(counts)}


def _reason(key: str, word: str, shared: frozenset[tuple[str, str]]) -> str:
    """Why a value is left out; "" where it is not."""
    name = key.strip().casefold()
    if name in ORIGINS or name in LANGUAGES or name.endswith(("_url", "_uri")):
        return ORIGIN
    if _ADDRESS.fullmatch(word):
        return ADDRESS
    if _HASH.fullmatch(word):
        return HASH
    return SHARED if (key, word) in shared else ""


def _has_words(product: Product, attributes: Mapping[str, tuple[list[str], list[float]]]) -> bool:
    others = (product.title, product.description, product.brand, *product.categories)
    return any(others) or any(words for words, _ in attributes.values())


def _shared(catalogue: Sequence[Product]) -> frozenset[tuple[str, str]]:
    """Values that nearly all products of a catalogue large enough have."""
    if len(catalogue) < MIN_PRODUCTS:
        return frozenset()
    counts = Counter(
        (key, word)
        for product in catalogue
        for key, (words, _) in product.attributes.items()
        for word in set(words)
    )
    return frozenset(value for value, n in counts.items() if n >= MOST * len(catalogue))


def _numeric(catalogue: Sequence[Product]) -> frozenset[str]:
    """Attributes whose values, written as text, are numbers nearly throughout."""
    every: Counter[str] = Counter()
    numbers: Counter[str] = Counter()
    for product in catalogue:
        for key, (words, _) in product.attributes.items():
            every[key] += len(words)
            numbers[key] += sum(map(_is_number, words))
    return frozenset(key for key, n in every.items() if n and numbers[key] >= NUMBERS * n)


def _is_number(word: str) -> bool:
    return bool(_NUMBER.fullmatch(word)) and sum(map(str.isdigit, word)) <= MAX_DIGITS
