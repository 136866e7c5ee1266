"""A shop's own synonyms: one word or phrase of a query stands for another."""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from relatum_export.errors import InputError


@dataclass(frozen=True, slots=True)
class Synonyms:
    """Words and phrases that stand for each other.

    Attributes:
        groups: each at least two, in lower case.
    """

    groups: tuple[tuple[str, ...], ...]

    @classmethod
    def read(cls, file: Path) -> "Synonyms":
        """Read lines of words and phrases with commas between; blank lines and # lines are none.

        Raises:
            InputError: the file cannot be read, or a line holds fewer than two.
        """
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"cannot read the synonyms {file}: {error}") from error
        groups = []
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            words = tuple(word.strip().lower() for word in line.split(",") if word.strip())
            if len(set(words)) < 2:  # noqa: PLR2004 - one stands for another
                raise InputError(
                    f"{file}, line {number}: give two words or phrases at least, a comma between"
                )
            groups.append(words)
        return cls(tuple(groups))

    def swap(self, text: str, draw: random.Random) -> str:
        """The text with one of its words replaced by a synonym; unchanged where it has none."""
        found = [
            (match.span(), group, word)
            for group in self.groups
            for word in group
            if (match := _pattern(word).search(text)) is not None
        ]
        if not found:
            return text
        (start, end), group, word = draw.choice(found)
        other = draw.choice(_without(group, word))
        return text[:start] + other + text[end:]


def _without(group: Sequence[str], word: str) -> list[str]:
    return [other for other in group if other != word]


def _pattern(word: str) -> re.Pattern[str]:
    """Whole words where words are written apart; anywhere in Chinese and Japanese."""
    bounds = (r"(?<!\w)", r"(?!\w)") if word.isascii() else ("", "")
    return re.compile(bounds[0] + re.escape(word) + bounds[1], re.IGNORECASE)
