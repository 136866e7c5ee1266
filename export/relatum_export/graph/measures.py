"""What the graph's choices are made on: held-out purchases, bundles or judged queries of valid."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from relatum_export.artifact.copurchase import MAX_BASKET
from relatum_export.corpus.folder import Corpus
from relatum_export.evaluation.metrics import ndcg_of_scores, top_k
from relatum_export.evaluation.protocols.events import (
    has_baskets,
    product_ids,
    shopper_purchases,
)
from relatum_export.evaluation.protocols.next_item import HISTORY_STEP, NextItem
from relatum_export.evaluation.rows import Outcome, mean_outcome
from relatum_export.evaluation.transitions import recency_profile
from relatum_export.training.judged import JudgedQuery

VALID = "valid"
DEPTH = 10
BATCH = 256
MOST_ASKED = 2_000  # products of baskets or bundles: in a catalogue of 92,000 more take minutes

# Profiles [cases, items] CSR to scores [cases, items]; -inf is never retrieved.
Scores = Callable[[sparse.csr_matrix], NDArray[np.floating]]


class Measure(Protocol):
    """A figure on valid, unit by unit, of whatever scores products for products."""

    @property
    def name(self) -> str:
        """MEASURE as in the rows."""
        ...

    @property
    def items(self) -> tuple[str, ...]:
        """Ids of the products, sorted: the axis of profiles and scores."""
        ...

    def outcome(self, system: str, scores: Scores) -> Outcome:
        """The figure of one system."""
        ...


@dataclass(frozen=True, slots=True)
class MatesMeasure:
    """R@10 of the rest of a basket or bundle from one of its products, whole catalogue.

    Attributes:
        items: ids, sorted: ties are broken by position.
        groups: positions of the products of each basket, ascending, at least two.
        units: a name a group.
    """

    items: tuple[str, ...]
    groups: tuple[NDArray[np.int64], ...]
    units: tuple[str, ...]
    name: str = "R@10"

    def outcome(self, system: str, scores: Scores) -> Outcome:
        """Mean over products; groups are the units."""
        asked = np.unique(np.concatenate(self.groups))
        nearest: dict[int, NDArray[np.intp]] = {}
        for start in range(0, len(asked), BATCH):
            batch = asked[start : start + BATCH]
            ones = (np.ones(len(batch), np.float32), (np.arange(len(batch)), batch))
            profile = sparse.csr_matrix(ones, (len(batch), len(self.items)))
            for item, row in zip(batch, scores(profile), strict=True):
                row[item] = -np.inf
                nearest[int(item)] = top_k(row, DEPTH)
        found = [
            sum(np.isin(nearest[int(item)], group).sum() for item in group) / (len(group) - 1)
            for group in self.groups
        ]
        sizes = np.array([len(group) for group in self.groups], np.float64)
        return Outcome(VALID, system, self.name, self.units, np.array(found), sizes)


@dataclass(frozen=True, slots=True)
class NextMeasure:
    """NDCG@10 of a shopper's next product by the protocol of next items.

    Attributes:
        data: the protocol's cases, those of valid drawn.
    """

    data: NextItem
    name: str = "NDCG@10"

    @property
    def items(self) -> tuple[str, ...]:
        """Ids of the products, sorted."""
        return self.data.items

    def outcome(self, system: str, scores: Scores) -> Outcome:
        """Mean over shoppers."""

        def of_histories(asked: Sequence[Sequence[int]]) -> NDArray[np.floating]:
            return scores(recency_profile(asked, len(self.items), HISTORY_STEP).tocsr())

        return self.data.outcomes(VALID, system, of_histories)[0]


def purchase_measure(corpus: Corpus, *, max_cases: int, seed: int) -> Measure | None:
    """The measure that the corpus's valid split allows; None where it has no purchases there.

    Bundles where people marked them, the baskets of sources with baskets, else the next product of
    each history.
    """
    if not corpus.has("items"):
        return None
    random = np.random.default_rng(seed)
    items = product_ids(corpus)
    if corpus.has("bundles"):
        return _mates(items, _bundles(corpus), max_cases, random)
    if not corpus.has("events"):
        return None
    if has_baskets(corpus):
        return _mates(items, _baskets(corpus, items), max_cases, random)
    data = NextItem.read(corpus)
    cases = data.cases[VALID]
    if not cases:
        return None
    drawn = [cases[i] for i in _draw(len(cases), max_cases, random)]
    return NextMeasure(replace(data, cases={**data.cases, VALID: drawn}))


def search_outcome(
    system: str,
    queries: Sequence[JudgedQuery],
    asked: NDArray[np.float32],
    vectors: NDArray[np.float32],
) -> Outcome:
    """NDCG@10 of the judged products of each query.

    Args:
        system: a name.
        queries: the judged ones.
        asked: their vectors, [queries, d].
        vectors: of the catalogue, [products, d].
    """
    values = [
        ndcg_of_scores(vectors[query.rows] @ vector, query.labels)
        for query, vector in zip(queries, asked, strict=True)
    ]
    units = [query.query_id for query in queries]
    return mean_outcome(VALID, system, "NDCG@10", units, values)


def vector_scores(
    left: NDArray[np.float32], right: NDArray[np.float32], absent: NDArray[np.bool_]
) -> Scores:
    """Inner products of a profile's ``left`` vector with each ``right`` one, both [items, d].

    Args:
        left: what is asked with.
        right: what is found.
        absent: products without a vector, [items]; they are never retrieved.
    """

    def scores(profile: sparse.csr_matrix) -> NDArray[np.floating]:
        found: NDArray[np.floating] = (profile @ left) @ right.T
        found[:, absent] = -np.inf
        return found

    return scores


def matrix_scores(weights: sparse.csr_matrix) -> Scores:
    """Scores straight from a matrix [items, items]; what has none is never retrieved."""

    def scores(profile: sparse.csr_matrix) -> NDArray[np.floating]:
        found: NDArray[np.floating] = (profile @ weights).toarray()
        found[found == 0] = -np.inf
        return found

    return scores


def _mates(
    items: list[str],
    named: dict[str, NDArray[np.int64]],
    max_cases: int,
    random: np.random.Generator,
) -> Measure | None:
    names = sorted(named)
    if not names:
        return None
    asked: set[int] = set()
    drawn = []
    for i in random.permutation(len(names))[:max_cases]:
        if len(asked) >= MOST_ASKED:
            break
        asked.update(named[names[i]].tolist())
        drawn.append(names[i])
    drawn.sort()
    return MatesMeasure(tuple(items), tuple(named[name] for name in drawn), tuple(drawn))


def _bundles(corpus: Corpus) -> dict[str, NDArray[np.int64]]:
    place = {item: i for i, item in enumerate(product_ids(corpus))}
    found = {}
    for row in corpus.table("bundles", ["bundle_id", "items", "split"]).to_pylist():
        known = np.array(sorted({place[item] for item in row["items"] if item in place}), np.int64)
        if row["split"] == VALID and len(known) > 1:
            found[str(row["bundle_id"])] = known
    return found


def _baskets(corpus: Corpus, items: list[str]) -> dict[str, NDArray[np.int64]]:
    lines = shopper_purchases(corpus, items)
    lines = lines[(lines["split"] == VALID) & lines["session_id"].notna()]
    found = {
        str(session): np.unique(places.to_numpy(np.int64))
        for session, places in lines.groupby("session_id")["place"]
    }
    return {name: group for name, group in found.items() if 1 < len(group) <= MAX_BASKET}


def _draw(count: int, most: int, random: np.random.Generator) -> list[int]:
    if count <= most:
        return list(range(count))
    return sorted(random.choice(count, most, replace=False).tolist())
