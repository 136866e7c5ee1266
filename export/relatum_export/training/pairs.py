"""What training learns from: pairs of texts that belong together, and pairs that people graded."""

from dataclasses import dataclass

from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.text import TextForm, render
from relatum_export.training.association import associations
from relatum_export.training.products import Catalogue
from relatum_export.training.shelves import shelved

MAX_LABEL = 3.0
POSITIVE_LABEL = 2  # of 0..3: "good" and "excellent"
CO_BOUGHT = "co_bought"
TITLE_CATEGORY = "title_category"
# Sides of a pair that are whole products, which the chosen text form renders anew.
PRODUCT_SIDES = {"query_product": "b", CO_BOUGHT: "ab", "review_product": "b"}


@dataclass(frozen=True, slots=True)
class Pair:
    """Two sides, each a row of the catalogue or a text as it stands.

    Attributes:
        a: a product's row, or a text.
        b: a product's row, or a text.
        label: 0..1, how well they belong together.
        kind: where it comes from: query_product, co_bought, ...
    """

    a: int | str
    b: int | str
    label: float
    kind: str


def read_pairs(corpus: Corpus, catalogue: Catalogue, split: str) -> list[Pair]:
    """All pairs of one split, in the corpus's order.

    Where there are baskets enough to tell, the co-bought pairs are those that chance does not
    explain, a product standing for its group; else they are the corpus's own sample.
    """
    bought = associations(corpus, catalogue, split)
    pairs = [Pair(found.a, found.b, 1.0, CO_BOUGHT) for found in bought]
    pairs += [Pair(title, shelf, 1.0, TITLE_CATEGORY) for title, shelf in shelved(catalogue, split)]
    if not corpus.has("training_pairs"):
        return pairs
    told = bool(bought)
    row_of = {item_id: row for row, item_id in enumerate(catalogue.ids)}
    for row in corpus.table("training_pairs").to_pylist():
        if row["split"] != split or (told and row["kind"] == CO_BOUGHT):
            continue
        sides = PRODUCT_SIDES.get(row["kind"], "")
        a = row_of.get(row["item_id_a"], row["text_a"]) if "a" in sides else row["text_a"]
        b = row_of.get(row["item_id_b"], row["text_b"]) if "b" in sides else row["text_b"]
        pairs.append(Pair(a, b, float(row["label"]) / MAX_LABEL, row["kind"]))
    return pairs


def side_text(side: int | str, catalogue: Catalogue, form: TextForm) -> str:
    """One side of a pair as text."""
    return side if isinstance(side, str) else render(form, catalogue.products[side])
