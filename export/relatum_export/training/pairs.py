"""What training learns from: pairs of texts that belong together, and pairs that people graded."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.text import TextForm, render
from relatum_export.errors import InputError
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


@dataclass(frozen=True, slots=True)
class TextPair:
    """Two texts; ``label`` in 0..1 says how well they belong together."""

    a: str
    b: str
    label: float
    kind: str


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Pairs of one or several corpora.

    Attributes:
        positives: belong together; negatives come from the batch.
        graded: judged by people, all grades.
    """

    positives: tuple[TextPair, ...]
    graded: tuple[TextPair, ...]


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


def as_texts(pairs: Sequence[Pair], catalogue: Catalogue, form: TextForm) -> list[TextPair]:
    """The pairs as texts; those of an empty side or of equal sides are left out."""
    texts = (
        TextPair(
            side_text(pair.a, catalogue, form),
            side_text(pair.b, catalogue, form),
            pair.label,
            pair.kind,
        )
        for pair in pairs
    )
    return [pair for pair in texts if pair.a and pair.b and pair.a != pair.b]


def training_data(
    sources: Sequence[tuple[Corpus, Catalogue]],
    form: TextForm,
    *,
    max_pairs: int,
    batch_size: int,
    seed: int,
) -> TrainingData:
    """The train pairs of all corpora, cut to ``max_pairs`` by a fixed draw.

    Graded are the pairs of a kind that has several grades. Where there are any they take up to
    half; each kind of positive pair has an equal share of the rest, and what a small kind leaves
    goes to the larger ones. Co-bought pairs are taken only where there is no other kind: what is
    bought together differs in text more often than not, and training on it alone made the order
    of titles by text worse without finding more of what is bought together.

    Raises:
        InputError: there is no pair to learn from.
    """
    by_kind: dict[str, list[TextPair]] = {}
    graded: list[TextPair] = []
    for corpus, catalogue in sources:
        pairs = as_texts(read_pairs(corpus, catalogue, "train"), catalogue, form)
        labels: dict[str, set[float]] = {}
        for pair in pairs:
            labels.setdefault(pair.kind, set()).add(pair.label)
            if pair.label * MAX_LABEL >= POSITIVE_LABEL:
                by_kind.setdefault(pair.kind, []).append(pair)
        graded += [pair for pair in pairs if len(labels[pair.kind]) > 1]
    if not by_kind:
        names = ", ".join(str(corpus.path) for corpus, _ in sources)
        raise InputError(
            f"{names} has no train pairs to learn from (judgments, baskets, reviews, categories "
            "or descriptions); export the base as it stands, or prepare a richer source"
        )
    if len(by_kind) > 1:
        by_kind.pop(CO_BOUGHT, None)
    draw = random.Random(seed)  # noqa: S311 - a sample, not a secret
    if len(graded) > max_pairs // 2:
        graded = draw.sample(graded, max_pairs // 2)
    chosen: list[TextPair] = []
    left = max_pairs - len(graded)
    for done, kind in enumerate(sorted(by_kind, key=lambda kind: (len(by_kind[kind]), kind))):
        share = left // (len(by_kind) - done)
        taken = draw_spread(by_kind[kind], share, batch_size, draw)
        chosen += taken
        left -= len(taken)
    return TrainingData(tuple(chosen), tuple(graded))


def draw_spread(
    pairs: Sequence[TextPair], share: int, batch_size: int, draw: random.Random
) -> list[TextPair]:
    """At most ``share`` pairs, no text in more of them than there are batches.

    A batch holds a text once, so a text in more pairs than batches (a large category) would be
    left over in batches of its own, without negatives.
    """
    batches = max(1, min(share, len(pairs)) // batch_size)
    times: Counter[str] = Counter()
    taken: list[TextPair] = []
    for pair in draw.sample(pairs, len(pairs)):
        if len(taken) == share:
            break
        if max(times[pair.a], times[pair.b]) < batches:
            times.update((pair.a, pair.b))
            taken.append(pair)
    return taken
