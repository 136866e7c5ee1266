"""What two products' words, numbers, codes, brands, categories and prices say of the pair.

The association head reads these features beside the two vectors. The export side holds the same
rules in code of its own; the artifact's golden pairs show at start whether the two still agree.

Rules: text is NFKC, lower case, single blanks. A word is a run of letters and digits (a point
between digits stays in it); runs of Han or kana give their pairs of neighbouring characters. A
code is a run without blanks whose letters and digits, taken alone, are at least four with a digit
among them, and with a letter or a fifth character. "Whole" text is title, brand and the first 300
characters of the description.
"""

import math
import re
import unicodedata
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from relatum_server.artifact import WordWeights
from relatum_server.encoder.text import clean

MAX_DESCRIPTION_CHARS = 300
MAX_LOG_PRICE_RATIO = 2.0
MIN_CODE, MIN_NUMERIC_CODE = 4, 5
_ASIAN = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uff66-\uff9f"
_WORD = re.compile(rf"[{_ASIAN}]+|[^\W_{_ASIAN}]+(?:\.(?=\d)[^\W_{_ASIAN}]+)*")
_ASIAN_RUN = re.compile(rf"[{_ASIAN}]")
_CHUNK = re.compile(rf"[^\s{_ASIAN}]+")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_NO_WORD = re.compile(r"[\W_]+")
_DIGIT = re.compile(r"\d")
_LETTER = re.compile(r"[^\W\d_]")

FEATURES = (
    "title_cosine",  # of the sets of title words, by weight
    "title_a_in_b",  # share of the weight of a's title words that b's whole text has
    "title_b_in_a",
    "missing_a",  # largest weight of a title word of a that b's whole text lacks, of the top weight
    "missing_b",
    "missing_sum_a",  # the sum of those weights, in fifths of the top weight
    "missing_sum_b",
    "trigrams",  # Dice of character trigrams of the titles without blanks and signs
    "numbers",  # Dice of the numbers in the titles
    "numbers_missing_a",  # share of the numbers in a's title that b's whole text lacks
    "numbers_missing_b",
    "numbers_both",  # whether both titles have numbers
    "code_shared",  # whether the whole texts share a code
    "code_a_best",  # of a's title codes, the longest share of one found in b's whole text
    "code_a_mean",
    "code_b_best",
    "code_b_mean",
    "codes_a",  # whether a's title has codes
    "codes_b",
    "price_both",  # whether both have a price
    "price_distance",  # |ln(price a / price b)|, at most 2, halved
    "price_ratio",  # ln(price a / price b), within -2..2, halved
    "brand",  # 1 equal, -1 unequal; where one is known: .5 if the other's text has a word of it
    "brand_known",  # whether either has a brand
    "length_ratio",  # ln((1 + title words of a) / (1 + title words of b))
    "first_word",  # whether the titles begin alike
    "category",  # 1 equal, -1 unequal, 0 where either has none
)


@dataclass(frozen=True, slots=True)
class ProductFacts:
    """The parts of a product that are compared.

    Attributes:
        title: as the shop wrote it.
        brand: "" where there is none.
        description: "" where there is none.
        category: the first category's path, "" where there is none.
        price: None where there is none.
    """

    title: str
    brand: str = ""
    description: str = ""
    category: str = ""
    price: float | None = None


@dataclass(frozen=True, slots=True)
class PairText:
    """A product's facts, taken apart once for all its pairs."""

    first: str
    words: frozenset[str]
    whole: frozenset[str]
    codes: frozenset[str]
    whole_codes: frozenset[str]
    squashed: str
    whole_squashed: str
    trigrams: frozenset[str]
    numbers: frozenset[str]
    whole_numbers: frozenset[str]
    brand: str
    brand_words: frozenset[str]
    category: str
    price: float | None

    @classmethod
    def of(cls, facts: ProductFacts) -> "PairText":
        """Take a product apart."""
        title = _normal(facts.title)
        short = clean(facts.description)[:MAX_DESCRIPTION_CHARS]
        whole = _normal(" ".join(part for part in (facts.title, facts.brand, short) if part))
        words = _words_of(title)
        brand = _normal(facts.brand)
        squashed = _squash(title)
        price = facts.price
        return cls(
            first=words[0] if words else "",
            words=frozenset(words),
            whole=frozenset(_words_of(whole)),
            codes=_codes(title),
            whole_codes=_codes(whole),
            squashed=squashed,
            whole_squashed=_squash(whole),
            trigrams=_trigrams(squashed),
            numbers=frozenset(_NUMBER.findall(title)),
            whole_numbers=frozenset(_NUMBER.findall(whole)),
            brand=brand,
            brand_words=frozenset(_words_of(brand)),
            category=_normal(facts.category),
            price=price if price is not None and price > 0 else None,
        )


def pair_features(a: PairText, b: PairText, weights: WordWeights) -> list[float]:
    """The features of an ordered pair, in the order of ``FEATURES``."""
    covered_a, missing_a, missing_sum_a = _covered(a.words, b.whole, weights)
    covered_b, missing_b, missing_sum_b = _covered(b.words, a.whole, weights)
    return [
        _cosine(a.words, b.words, weights),
        covered_a,
        covered_b,
        missing_a,
        missing_b,
        missing_sum_a,
        missing_sum_b,
        _dice(a.trigrams, b.trigrams),
        _dice(a.numbers, b.numbers),
        _missing_share(a.numbers, b.whole_numbers),
        _missing_share(b.numbers, a.whole_numbers),
        float(bool(a.numbers) and bool(b.numbers)),
        float(not a.whole_codes.isdisjoint(b.whole_codes)),
        *_found(a.codes, b.whole_squashed),
        *_found(b.codes, a.whole_squashed),
        float(bool(a.codes)),
        float(bool(b.codes)),
        *_prices(a.price, b.price),
        _brand(a, b),
        float(bool(a.brand) or bool(b.brand)),
        math.log((1 + len(a.words)) / (1 + len(b.words))),
        float(a.first == b.first != ""),
        _category(a.category, b.category),
    ]


def _weight(weights: WordWeights, word: str) -> float:
    return weights.weights.get(word, weights.rare)


def _normal(text: str) -> str:
    """NFKC, lower case, single blanks."""
    return " ".join(unicodedata.normalize("NFKC", text).lower().split())


def _words_of(text: str) -> list[str]:
    """The words of a normal text in order, Han and kana as pairs of characters."""
    found: list[str] = []
    for run in _WORD.findall(text):
        if _ASIAN_RUN.match(run) and len(run) > 1:
            found += [run[i : i + 2] for i in range(len(run) - 1)]
        else:
            found.append(run)
    return found


def _squash(text: str) -> str:
    return _NO_WORD.sub("", text)


def _codes(text: str) -> frozenset[str]:
    found = set()
    for chunk in _CHUNK.findall(text):
        code = _squash(chunk)
        least = MIN_CODE if _LETTER.search(code) else MIN_NUMERIC_CODE
        if len(code) >= least and _DIGIT.search(code):
            found.add(code)
    return frozenset(found)


def _trigrams(squashed: str) -> frozenset[str]:
    if len(squashed) < 3:  # noqa: PLR2004 - a trigram
        return frozenset([squashed] if squashed else [])
    return frozenset(squashed[i : i + 3] for i in range(len(squashed) - 2))


def _cosine(a: AbstractSet[str], b: AbstractSet[str], weights: WordWeights) -> float:
    norms = (sum(_weight(weights, word) ** 2 for word in words) for words in (a, b))
    product = math.prod(norms)
    if product == 0:
        return 0.0
    return sum(_weight(weights, word) ** 2 for word in a & b) / math.sqrt(product)


def _covered(
    own: AbstractSet[str], other: AbstractSet[str], weights: WordWeights
) -> tuple[float, float, float]:
    total = sum(_weight(weights, word) for word in own)
    missing = [_weight(weights, word) for word in own - other]
    if not missing:
        return float(bool(own)), 0.0, 0.0
    top = weights.rare
    return 1 - sum(missing) / total, max(missing) / top, sum(missing) / top / 5


def _dice(a: AbstractSet[str], b: AbstractSet[str]) -> float:
    return 2 * len(a & b) / (len(a) + len(b)) if a and b else 0.0


def _missing_share(own: AbstractSet[str], other: AbstractSet[str]) -> float:
    return len(own - other) / len(own) if own else 0.0


def _found(codes: AbstractSet[str], text: str) -> tuple[float, float]:
    """Best and mean share of a code that stands in the text as one piece."""
    if not codes:
        return 0.0, 0.0
    shares = [_longest(code, text) / len(code) for code in sorted(codes)]
    return max(shares), sum(shares) / len(shares)


def _longest(code: str, text: str) -> int:
    """Length of the longest piece of ``code`` in ``text``."""
    best = 0
    for start in range(len(code)):
        while start + best < len(code) and code[start : start + best + 1] in text:
            best += 1
    return best


def _prices(a: float | None, b: float | None) -> tuple[float, float, float]:
    if a is None or b is None:
        return 0.0, 0.0, 0.0
    ratio = math.log(a / b)
    ratio = max(-MAX_LOG_PRICE_RATIO, min(MAX_LOG_PRICE_RATIO, ratio)) / MAX_LOG_PRICE_RATIO
    return 1.0, abs(ratio), ratio


def _brand(a: PairText, b: PairText) -> float:
    if a.brand and b.brand:
        return 1.0 if a.brand == b.brand else -1.0
    if not a.brand and not b.brand:
        return 0.0
    known, other = (a, b) if a.brand else (b, a)
    return -0.5 if known.brand_words.isdisjoint(other.whole) else 0.5


def _category(a: str, b: str) -> float:
    if not a or not b:
        return 0.0
    return 1.0 if a == b else -1.0
