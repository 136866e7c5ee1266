"""What training does to texts so that the encoder bears what it will meet.

Typing errors, and products with less text than the catalogue of the training had.
"""

import random
from dataclasses import dataclass

from relatum_export.corpus.text import FORMS, TextForm
from relatum_export.training.encoder_recipe.synonyms import Synonyms
from relatum_export.training.settings import TrainSettings

MIN_LETTERS = 3  # in a shorter word an edit makes another word
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def _neighbours() -> dict[str, str]:
    """Keys beside each key of a QWERTY keyboard, the slanting rows included."""
    place = {key: (r, c) for r, keys in enumerate(_ROWS) for c, key in enumerate(keys)}
    return {
        key: "".join(
            other
            for other, (r, c) in place.items()
            if other != key and abs(r - row) <= 1 and -1 <= (c - column) + (r - row) / 2 <= 1
        )
        for key, (row, column) in place.items()
    }


NEIGHBOURS = _neighbours()


def edit_word(word: str, draw: random.Random) -> str:
    """One edit after the first letter: swap with the next, drop, double, or a neighbouring key."""
    at = draw.randrange(1, len(word))
    kind = draw.choice(("swap", "drop", "double", "neighbour"))
    letter = word[at]
    if kind == "swap" and at + 1 < len(word):
        return word[:at] + word[at + 1] + letter + word[at + 2 :]
    if kind == "drop":
        return word[:at] + word[at + 1 :]
    if kind == "neighbour" and letter.lower() in NEIGHBOURS:
        key = draw.choice(NEIGHBOURS[letter.lower()])
        return word[:at] + (key.upper() if letter.isupper() else key) + word[at + 1 :]
    return word[: at + 1] + word[at:]


def mistype(text: str, share: float, draw: random.Random) -> str:
    """``share`` of the words with an edit, one at least; words of letters of a Latin keyboard."""
    words = text.split(" ")
    able = [at for at, word in enumerate(words) if editable(word)]
    if not able:
        return text
    for at in draw.sample(able, max(1, round(share * len(able)))):
        words[at] = edit_word(words[at], draw)
    return " ".join(words)


def editable(word: str) -> bool:
    """Whether a word is long enough and of ASCII letters: Chinese is not typed letter by letter."""
    return len(word) >= MIN_LETTERS and word.isascii() and word.isalpha()


@dataclass(frozen=True, slots=True)
class Noise:
    """The noise of a run.

    Attributes:
        typo_probability: of a query.
        typo_words: share of its words.
        field_dropout: probability that a product stands in another form.
        synonym_probability: of a query.
        synonyms: which, or None.
    """

    typo_probability: float
    typo_words: float
    field_dropout: float
    synonym_probability: float = 0.0
    synonyms: Synonyms | None = None

    @classmethod
    def of(cls, settings: TrainSettings) -> "Noise":
        """As the settings want it.

        Raises:
            InputError: the file of synonyms cannot be read.
        """
        return cls(
            settings.typo_probability,
            settings.typo_words,
            settings.field_dropout,
            settings.synonym_probability,
            Synonyms.read(settings.synonyms) if settings.synonyms is not None else None,
        )

    def query(self, text: str, draw: random.Random) -> str:
        """A query, perhaps in other words, perhaps mistyped."""
        if self.synonyms is not None and draw.random() < self.synonym_probability:
            text = self.synonyms.swap(text, draw)
        if draw.random() < self.typo_probability:
            return mistype(text, self.typo_words, draw)
        return text

    def form(self, own: TextForm, draw: random.Random) -> TextForm:
        """The form for one product of one pair."""
        return draw.choice(list(FORMS.values())) if draw.random() < self.field_dropout else own
