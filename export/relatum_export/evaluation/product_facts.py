"""What the report says of products: title, shelf, language, and how often they were bought."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow.compute as pc

from relatum_export.corpus.folder import Corpus
from relatum_export.evaluation.slices import category_label, language_label

LEVELS = re.compile(r"\s*>\s*|,(?=\S)|\s*\|\s*")  # "A > B", "A,B" and "A | B"; "Rug, woven" is one
NEARLY_ALL = 0.8  # a level on which one label holds more says nothing
HEAD = 0.2  # of the products bought: the most popular fifth


@dataclass(frozen=True, slots=True)
class ProductFacts:
    """Products by id.

    Attributes:
        titles: what is shown.
        categories: the first level of the category that tells products apart.
        languages: codes as in the items.
        bought: train events; a product without one is missing.
        head: the most popular fifth of the products with a train event.
    """

    titles: Mapping[str, str]
    categories: Mapping[str, str]
    languages: Mapping[str, str]
    bought: Mapping[str, int]
    head: frozenset[str]

    @classmethod
    def read(cls, corpus: Corpus) -> "ProductFacts":
        """From the items and, where there are some, the train events."""
        titles: dict[str, str] = {}
        paths: dict[str, list[str]] = {}
        languages: dict[str, str] = {}
        if corpus.has("items"):
            for row in corpus.table("items").to_pylist():
                item = row["item_id"]
                titles[item] = row.get("title") or item
                languages[item] = row.get("lang") or ""
                paths[item] = LEVELS.split(row.get("category") or "")
        bought: dict[str, int] = {}
        if corpus.has("events"):
            events = corpus.table("events", ["item_id", "split"])
            train = events.filter(pc.equal(events["split"], "train"))["item_id"]
            counted = pc.value_counts(train).to_pylist()
            bought = {one["values"]: one["counts"] for one in counted}
        ordered = sorted(bought, key=lambda item: (-bought[item], item))
        head = frozenset(ordered[: int(len(ordered) * HEAD)])
        return cls(titles, _telling(paths), languages, bought, head)

    def slices(self, items: Sequence[str], *, popularity: bool = False) -> dict[str, str]:
        """Category and language that most of some products share; with ``popularity`` the first's.

        Args:
            items: of one case, at least one.
            popularity: whether to say head, tail or cold.
        """
        found = {
            "category": category_label(_most(self.categories.get(item, "") for item in items)),
            "lang": language_label(_most(self.languages.get(item, "") for item in items)),
        }
        if popularity and self.bought:
            found["popularity"] = self.popularity(items[0])
        return {name: label for name, label in found.items() if label}

    def popularity(self, item: str) -> str:
        """Head, tail, or cold: without a train event."""
        if item not in self.bought:
            return "cold"
        return "head" if item in self.head else "tail"


def _telling(paths: Mapping[str, Sequence[str]]) -> dict[str, str]:
    depth = max((len(path) for path in paths.values()), default=0)
    labels: dict[str, str] = {}
    for level in range(depth):
        labels = {item: path[min(level, len(path) - 1)] for item, path in paths.items()}
        counts = Counter(label for label in labels.values() if label)
        if not counts or max(counts.values()) <= NEARLY_ALL * counts.total():
            break
    return labels


def _most(labels: Iterable[str]) -> str:
    counts = Counter(label for label in labels if label)
    return min(counts, key=lambda label: (-counts[label], label)) if counts else ""
