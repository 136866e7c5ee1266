"""Equal texts, told apart from different ones: the forms that grouping and leak checks compare."""

import re
import unicodedata

_WORD = re.compile(r"[぀-ヿ㐀-䶿一-鿿]|[^\W_]+")


def normalise(text: str) -> str:
    """NFKC, case folded, white space as single blanks."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def token_set(text: str) -> str:
    """The distinct words (of Chinese and Japanese, characters) in order: equal for near-equals."""
    return " ".join(sorted(set(_WORD.findall(normalise(text)))))
