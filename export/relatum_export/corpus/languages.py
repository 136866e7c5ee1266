"""Which languages a corpus is in."""

import re
from collections import Counter
from collections.abc import Sequence

MANY = ("", "mul", "und", "mis", "zxx")  # codes that name no single language
_SCRIPTS = (
    ("ja", re.compile(r"[぀-ヿ]")),
    ("zh", re.compile(r"[㐀-䶿一-鿿]")),
    ("ko", re.compile(r"[가-힯]")),
    ("ru", re.compile(r"[Ѐ-ӿ]")),
    ("ar", re.compile(r"[؀-ۿ]")),
    ("th", re.compile(r"[฀-๿]")),
    ("el", re.compile(r"[Ͱ-Ͽ]")),
)
MIN_SHARE = 0.15  # of the letters; an English title may quote a foreign word
JAPANESE_MIN_SHARE = 0.05  # kana mark Japanese even among many Han characters
_LETTER = re.compile(r"[^\W\d_]")


def detect(text: str) -> str:
    """ISO 639-1 code by script: text in Latin letters counts as "en", none as "und"."""
    letters = len(_LETTER.findall(text))
    if not letters:
        return "und"
    for code, script in _SCRIPTS:
        least = JAPANESE_MIN_SHARE if code == "ja" else MIN_SHARE
        if len(script.findall(text)) >= least * letters:
            return code
    return "en"


def language_of(given: str | None, text: str) -> str:
    """The given code (its first part), or the script's language where none is given."""
    code = (given or "").lower().split("-")[0]
    return detect(text) if code in MANY else code


def shares(codes: Sequence[str]) -> dict[str, float]:
    """Share by code, largest first."""
    counts = Counter(codes)
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return {code: round(n / len(codes), 6) for code, n in ordered}
