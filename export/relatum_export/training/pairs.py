"""What training learns from: pairs of texts that belong together, and pairs that people graded."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.text import TextForm
from relatum_export.errors import InputError
from relatum_export.training.products import Catalogue

MAX_LABEL = 3.0
POSITIVE_LABEL = 2  # of 0..3: "good" and "excellent"
# Sides of a pair that are whole products, which the chosen text form renders anew.
_PRODUCT_SIDES = {"query_product": "b", "co_bought": "ab", "review_product": "b"}


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


def read_pairs(
    corpus: Corpus, catalogue: Catalogue, form: TextForm, split: str
) -> tuple[list[TextPair], list[TextPair]]:
    """The positive pairs, and the pairs of every kind that people graded, in the corpus's order."""
    if not corpus.has("training_pairs"):
        return [], []
    text_of = dict(zip(catalogue.ids, catalogue.texts(form), strict=True))
    pairs = []
    for row in corpus.table("training_pairs").to_pylist():
        if row["split"] != split:
            continue
        sides = _PRODUCT_SIDES.get(row["kind"], "")
        a = text_of.get(row["item_id_a"], "") if "a" in sides else ""
        b = text_of.get(row["item_id_b"], "") if "b" in sides else ""
        pair = TextPair(
            a or row["text_a"], b or row["text_b"], float(row["label"]) / MAX_LABEL, row["kind"]
        )
        if pair.a != pair.b:
            pairs.append(pair)
    labels: dict[str, set[float]] = {}
    for pair in pairs:
        labels.setdefault(pair.kind, set()).add(pair.label)
    positives = [pair for pair in pairs if pair.label * MAX_LABEL >= POSITIVE_LABEL]
    return positives, [pair for pair in pairs if len(labels[pair.kind]) > 1]


def training_data(
    sources: Sequence[tuple[Corpus, Catalogue]], form: TextForm, *, max_pairs: int, seed: int
) -> TrainingData:
    """The train pairs of all corpora, cut to ``max_pairs`` by a fixed draw.

    Where there are graded pairs they take up to half; each kind of positive pair has an equal
    share of the rest, and what a small kind leaves goes to the larger ones.

    Raises:
        InputError: there is no pair to learn from.
    """
    positives: list[TextPair] = []
    graded: list[TextPair] = []
    for corpus, catalogue in sources:
        found_positives, found_graded = read_pairs(corpus, catalogue, form, "train")
        positives += found_positives
        graded += found_graded
    if not positives:
        names = ", ".join(str(corpus.path) for corpus, _ in sources)
        raise InputError(
            f"{names} has no train pairs to learn from (judgments, baskets, reviews or "
            "descriptions); export the base as it stands, or prepare a richer source"
        )
    draw = random.Random(seed)  # noqa: S311 - a sample, not a secret
    by_kind: dict[str, list[TextPair]] = {}
    for pair in positives:
        by_kind.setdefault(pair.kind, []).append(pair)
    if len(graded) > max_pairs // 2:
        graded = draw.sample(graded, max_pairs // 2)
    chosen: list[TextPair] = []
    left = max_pairs - len(graded)
    for done, kind in enumerate(sorted(by_kind, key=lambda kind: (len(by_kind[kind]), kind))):
        share = left // (len(by_kind) - done)
        taken = by_kind[kind] if len(by_kind[kind]) <= share else draw.sample(by_kind[kind], share)
        chosen += taken
        left -= len(taken)
    return TrainingData(tuple(chosen), tuple(graded))
