"""Titles and the categories that they stand under: how a shop names things, and what they are.

Titles that differ in nothing but numbers (sizes, models) stay on one side of the split, so that
the valid pairs ask for titles that training has not seen.
"""

import re

from relatum_export.corpus.normalise import normalise
from relatum_export.corpus.splits import hash_split
from relatum_export.corpus.text import clean
from relatum_export.training.products import Catalogue

MIN_CATEGORIES = 10  # fewer tell too little apart
_NUMBERED = re.compile(r"\S*\d\S*")


def shelved(catalogue: Catalogue, split: str) -> list[tuple[str, str]]:
    """Distinct (title, category) of one split, in the catalogue's order.

    80 % of the titles are train, the rest valid, by a hash. A title under several categories is
    left out, and so are all where the catalogue has fewer than ten categories.
    """
    found: dict[str, set[str]] = {}
    for product in catalogue.products:
        title = clean(product.title)
        for category in product.categories:
            if title and clean(category) and normalise(title) != normalise(category):
                found.setdefault(title, set()).add(clean(category))
    single = [(title, *shelves) for title, shelves in found.items() if len(shelves) == 1]
    if len({shelf for _, shelf in single}) < MIN_CATEGORIES:
        return []
    return [(title, shelf) for title, shelf in single if _split(title) == split]


def _split(title: str) -> str:
    words = normalise(_NUMBERED.sub(" ", title)) or normalise(title)
    return "train" if hash_split(words) == "train" else "valid"
