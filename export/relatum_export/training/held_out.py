"""Seeking the held-out partner of a product or a text: the metric where nobody judged."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.text import TextForm
from relatum_export.training.encoder import TextEncoder
from relatum_export.training.judged import CUTOFF
from relatum_export.training.pairs import (
    CO_BOUGHT,
    MAX_LABEL,
    POSITIVE_LABEL,
    PRODUCT_SIDES,
    TITLE_CATEGORY,
    Pair,
    read_pairs,
    side_text,
)
from relatum_export.training.products import Catalogue

MAX_QUERIES = 500
MAX_CANDIDATES = 2000
TIE = 1e-6  # equal texts have one vector, but a product of matrices may round it twice


@dataclass(frozen=True, slots=True)
class PairMetric:
    """R@10: the held-out partner, sought among up to 2,000 products or texts of its corpus.

    Queries and candidates are rows of the catalogue or texts as they stand, so that the same
    pairs can be asked for under another text form. A candidate that scores like the partner
    stands before it: a form that gives many products one text gains nothing by it.

    Attributes:
        name: SET/valid/R@10, and the kind of the pairs if it is one.
        kind: of the pairs; empty of several.
        queries: sides to start from.
        candidates: what to rank; of products one a group.
        targets: position of each query's partner among the candidates, int64 [queries].
    """

    name: str
    kind: str
    queries: tuple[int | str, ...]
    candidates: tuple[int | str, ...]
    targets: NDArray[np.int64]
    catalogue: Catalogue
    form: TextForm

    def measure(self, encoder: TextEncoder) -> float:
        """Share of queries whose partner is among the first ten, the query itself left out."""
        documents = encoder.encode(self._texts(self.candidates), kind="document")
        scores = encoder.encode(self._texts(self.queries), kind="query") @ documents.T
        column_of = {candidate: column for column, candidate in enumerate(self.candidates)}
        for row, query in enumerate(self.queries):
            if query in column_of:
                scores[row, column_of[query]] = -np.inf
        each = np.arange(len(self.queries))
        target = scores[each, self.targets]
        scores[each, self.targets] = -np.inf
        before = np.sum(scores >= target[:, None] - TIE, axis=1)
        return float(np.mean(before < CUTOFF))

    @property
    def of_products(self) -> bool:
        """Whether any side is a product, whose text depends on the form."""
        return any(isinstance(side, int) for side in (*self.queries, *self.candidates))

    def under(self, form: TextForm) -> "PairMetric":
        """The same question with products rendered otherwise."""
        return replace(self, form=form)

    def _texts(self, sides: Sequence[int | str]) -> list[str]:
        return [side_text(side, self.catalogue, self.form) for side in sides]


def held_out_metrics(
    corpus: Corpus,
    catalogue: Catalogue,
    form: TextForm,
    seed: int,
    *,
    max_queries: int = MAX_QUERIES,
    max_candidates: int = MAX_CANDIDATES,
) -> list[PairMetric]:
    """What can be sought among the valid pairs of one corpus.

    The partners bought together and the categories of titles, one metric each; where there is
    neither, the pairs of all kinds together. Empty without valid pairs.
    """
    by_kind: dict[str, list[Pair]] = {}
    for pair in read_pairs(corpus, catalogue, "valid"):
        if pair.label * MAX_LABEL >= POSITIVE_LABEL:
            by_kind.setdefault(pair.kind, []).append(pair)
    name = f"{corpus.name}/valid/R@10"
    found = {kind: by_kind[kind] for kind in (CO_BOUGHT, TITLE_CATEGORY) if kind in by_kind}
    if not found and by_kind:
        found = {"": [pair for pairs in by_kind.values() for pair in pairs]}
    return [
        pair_metric(
            f"{name}/{kind}" if kind else name,
            pairs,
            catalogue,
            form,
            seed,
            kind=kind,
            max_queries=max_queries,
            max_candidates=max_candidates,
        )
        for kind, pairs in found.items()
    ]


def pair_metric(
    name: str,
    pairs: Sequence[Pair],
    catalogue: Catalogue,
    form: TextForm,
    seed: int,
    *,
    kind: str = "",
    max_queries: int = MAX_QUERIES,
    max_candidates: int = MAX_CANDIDATES,
) -> PairMetric:
    """Draw at most ``max_queries`` pairs, and fill the candidates, by a fixed seed.

    Candidates are the partners, then other partners of the same kinds, then, where partners are
    products, one product of each further group.
    """
    draw = random.Random(seed)  # noqa: S311 - a sample, not a secret
    chosen = list(pairs) if len(pairs) <= max_queries else draw.sample(list(pairs), max_queries)
    position: dict[int | str, int] = {}
    for pair in chosen:
        position.setdefault(pair.b, len(position))
    others = list(dict.fromkeys(pair.b for pair in pairs if pair.b not in position))
    if any("b" in PRODUCT_SIDES.get(pair.kind, "") for pair in pairs):
        others = _one_a_group(catalogue, position)
    room = max(0, max_candidates - len(position))
    for side in others if len(others) <= room else draw.sample(others, room):
        position[side] = len(position)
    targets = np.array([position[pair.b] for pair in chosen], dtype=np.int64)
    queries = tuple(pair.a for pair in chosen)
    return PairMetric(name, kind, queries, tuple(position), targets, catalogue, form)


def _one_a_group(catalogue: Catalogue, taken: dict[int | str, int]) -> list[int | str]:
    """The first product with a title of each group that has no candidate yet."""
    seen = {catalogue.groups[side] for side in taken if isinstance(side, int)}
    found: list[int | str] = []
    for row, group in enumerate(catalogue.groups):
        if group not in seen and catalogue.products[row].title:
            seen.add(group)
            found.append(row)
    return found
