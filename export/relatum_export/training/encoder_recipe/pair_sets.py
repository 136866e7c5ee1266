"""The train pairs of the corpora by corpus and kind: a batch is of one of these sets."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from relatum_export.errors import InputError
from relatum_export.training.encoder_recipe.sources import Source
from relatum_export.training.pairs import (
    CO_BOUGHT,
    MAX_LABEL,
    POSITIVE_LABEL,
    Pair,
    read_pairs,
)
from relatum_export.training.settings import TrainSettings

BUNDLE = "bundle"
SAME_PRODUCT = "same_product"
GRADED = "graded"


@dataclass(frozen=True, slots=True)
class PairSet:
    """Pairs of one corpus and one kind.

    Attributes:
        source: where they come from.
        kind: query_product, co_bought, ...
        graded: judged by people, all grades; else pairs that belong together.
        pairs: in the corpus's order.
    """

    source: Source
    kind: str
    graded: bool
    pairs: tuple[Pair, ...]

    @property
    def name(self) -> str:
        """CORPUS/KIND, and /graded of what people graded."""
        parts = [self.source.name, self.kind, *([GRADED] if self.graded else [])]
        return "/".join(parts)


def train_pairs(source: Source) -> list[Pair]:
    """All train pairs of a corpus.

    Beside those that ``read_pairs`` gives: pairs of products that people called the same product,
    or not. Where the baskets are bundles that somebody put together, their kind is `bundle`.
    """
    curated = source.corpus.has("bundles")
    found = [*read_pairs(source.corpus, source.catalogue, "train"), *same_products(source)]
    return [
        Pair(pair.a, pair.b, pair.label, BUNDLE) if curated and pair.kind == CO_BOUGHT else pair
        for pair in found
    ]


def with_two_texts(pairs: Sequence[Pair], source: Source) -> list[Pair]:
    """Those whose two sides have different texts in the corpus's form."""
    products = source.catalogue.texts(source.form)

    def text(side: int | str) -> str:
        return products[side] if isinstance(side, int) else side

    return [
        pair for pair in pairs if text(pair.a) and text(pair.b) and text(pair.a) != text(pair.b)
    ]


def same_products(source: Source) -> Iterator[Pair]:
    """Pairs of products that people judged to be one product sold twice (label 1) or not (0)."""
    if not source.corpus.has("pairs"):
        return
    row_of = {item_id: row for row, item_id in enumerate(source.catalogue.ids)}
    for row in source.corpus.table("pairs").to_pylist():
        judged = row.get("same_product")
        a, b = row_of.get(row["item_id_a"]), row_of.get(row["item_id_b"])
        if row["split"] == "train" and judged is not None and a is not None and b is not None:
            yield Pair(a, b, float(judged), SAME_PRODUCT)


def pair_sets(source: Source, pairs: Sequence[Pair]) -> list[PairSet]:
    """The pairs by kind, those of a kind with several grades a second time, with their grades."""
    by_kind: dict[str, list[Pair]] = {}
    for pair in pairs:
        by_kind.setdefault(pair.kind, []).append(pair)
    sets = []
    for kind, found in sorted(by_kind.items()):
        together = tuple(pair for pair in found if belongs_together(pair))
        if together:
            sets.append(PairSet(source, kind, False, together))
        if len({pair.label for pair in found}) > 1:
            sets.append(PairSet(source, kind, True, tuple(found)))
    return sets


def belongs_together(pair: Pair) -> bool:
    """Whether the label says so: 2 and 3 of 0..3."""
    return pair.label * MAX_LABEL >= POSITIVE_LABEL


def refuse_too_few(
    pairs: Sequence[Sequence[Pair]], sources: Sequence[Source], settings: TrainSettings
) -> None:
    """Stop where the corpora together do not fill a batch.

    Raises:
        InputError: so it is.
    """
    together = sum(belongs_together(pair) for found in pairs for pair in found)
    names = ", ".join(str(source.corpus.path) for source in sources)
    if not together:
        raise InputError(
            f"{names} has no train pairs to learn from (judgments, baskets, reviews, categories "
            "or descriptions); export the base as it stands, or prepare a richer source"
        )
    if min(together, settings.max_pairs) < settings.batch_size:
        raise InputError(
            f"only {min(together, settings.max_pairs)} train pairs, fewer than one batch of "
            f"{settings.batch_size}; give a smaller --batch-size or a larger corpus"
        )
