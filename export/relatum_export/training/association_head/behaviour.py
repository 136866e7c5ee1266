"""Weak labels from behaviour, for the classes that nobody judged.

- **complement**: bought together clearly more often than chance, and of different types.
- **substitute**: viewed together and rarely bought together. A shop without views gives those
  of one type that are bought in the same company, and together no more often than chance would
  have it: either does, so shoppers take one.
- **unrelated**: drawn at random from the products of those pairs, neither viewed nor bought
  together.

A type is the category where both products have one, else a neighbourhood in the text space.
Only train's behaviour is read. The pairs are split by their first product, so that valid asks for
products in whose pairs nothing was fitted.

**Source**: McAuley, Pandey and Leskovec 2015, Inferring Networks of Substitutable and
Complementary Products, section 3 (viewed and bought together); Ruiz, Athey and Blei 2020, SHOPPER,
section 3.3 (exchangeable: the same company, not each other).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.decomposition import TruncatedSVD

from relatum_export.corpus.bought_together import baskets
from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.schema import SPLITS
from relatum_export.corpus.splits import hash_split
from relatum_export.training.association_head.classes import Label
from relatum_export.training.association_head.labelled import LabelledPairs
from relatum_export.training.association_head.product_types import ProductTypes

BOUGHT = "behaviour: bought together more often than chance, other type"
VIEWED = "behaviour: viewed together, rarely bought together"
COMPANY = "behaviour: bought in the same company, rarely together, same type"
DRAWN = "drawn at random, neither viewed nor bought together"

MIN_TOGETHER = 2  # sessions; a bundle or a list, made by somebody who meant it, counts as two
MIN_LIFT = 2.0  # times as often as chance: together
RARE_LIFT = 1.0  # no more often than chance: rarely together
MAX_SESSION = 100  # products; a longer one is a stock list
COMPANY_PRODUCTS = 5_000  # the most bought: company of the others says little
MIN_COMPANY = 10  # sessions that a product is in before its company counts
COMPANY_DIMENSION = 64
NEIGHBOURS = 10  # of each product, by company
MIN_COSINE = 0.3  # of two products' company

Pairs = set[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Counts:
    """In how many sessions products occur, alone and together.

    Attributes:
        together: float32 [products, products], symmetric, without diagonal.
        alone: float64 [products].
        sessions: how many there are.
    """

    together: sparse.csr_matrix
    alone: NDArray[np.float64]
    sessions: int

    def lifts(
        self, seen: NDArray[np.floating], a: NDArray[np.int64], b: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """How many times as often as chance pairs were seen, float64 [pairs]."""
        expected = np.maximum(self.alone[a] * self.alone[b] / max(1, self.sessions), 1e-9)
        return np.asarray(seen, np.float64) / expected

    def strong_pairs(self) -> NDArray[np.int64]:
        """Pairs (smaller row first) seen more often than chance, int64 [pairs, 2]."""
        upper = sparse.triu(self.together, 1).tocoo()
        a, b = upper.row.astype(np.int64), upper.col.astype(np.int64)
        strong = (upper.data >= MIN_TOGETHER) & (self.lifts(upper.data, a, b) >= MIN_LIFT)
        return np.stack([a[strong], b[strong]], axis=1)

    def rarely(self, pairs: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each pair was seen no more often than chance would have it, bool [pairs]."""
        if not len(pairs):
            return np.zeros(0, bool)
        a, b = pairs[:, 0], pairs[:, 1]
        seen = np.asarray(self.together[a, b]).ravel()
        return self.lifts(seen, a, b) <= RARE_LIFT


def weak_pairs(
    corpus: Corpus,
    row_of: Mapping[str, int],
    types: ProductTypes,
    judged: LabelledPairs,
    classes: frozenset[Label],
    *,
    max_pairs: int,
    unrelated_per_pair: float,
    seed: int,
) -> dict[str, LabelledPairs]:
    """Pairs of the wanted classes by split; empty where the behaviour says nothing.

    Args:
        corpus: whose train events, bundles and lists are read.
        row_of: row of each item.
        types: tells products of one type from others.
        judged: all pairs that people judged, of every split; none of them is labelled again.
        classes: those wanted.
        max_pairs: of each class.
        unrelated_per_pair: unrelated ones for each pair of the larger other class.
        seed: of the draws.
    """
    bought, viewed = _counts(corpus, row_of, "bought"), _counts(corpus, row_of, "viewed")
    taken: Pairs = {_key(*pair) for pair in zip(judged.a.tolist(), judged.b.tolist(), strict=True)}
    draw = np.random.default_rng(seed)
    found: list[LabelledPairs] = []
    for label, (rows, source) in {
        Label.SUBSTITUTE: _substitutes(bought, viewed, types),
        Label.COMPLEMENT: _complements(bought, types),
    }.items():
        free = [pair for pair in map(tuple, rows.tolist()) if pair not in taken]
        if label in classes and free:
            chosen = np.array(sorted(free), np.int64)
            if len(chosen) > max_pairs:
                chosen = chosen[np.sort(draw.choice(len(chosen), max_pairs, replace=False))]
            turned = draw.integers(0, 2, len(chosen)) == 1  # behaviour has no first and second
            chosen[turned] = chosen[turned, ::-1]
            taken.update(free)
            found.append(LabelledPairs.of_label(chosen, label, source))
    wanted = int(unrelated_per_pair * max(map(len, found), default=0))
    if Label.UNRELATED in classes and wanted:
        rows = _unrelated(found, (bought, viewed), taken, wanted, draw)
        found.append(LabelledPairs.of_label(rows, Label.UNRELATED, DRAWN))
    pairs = LabelledPairs.join(found)
    ids = {row: item for item, row in row_of.items()}
    side = np.array([hash_split(f"pair\x1f{ids[row]}") for row in pairs.a.tolist()], object)
    return {split: pairs.take(side == split) for split in SPLITS}


def _key(a: int, b: int) -> tuple[int, int]:
    return (a, b) if a <= b else (b, a)


def _counts(corpus: Corpus, row_of: Mapping[str, int], kind: str) -> Counts:
    sessions = [
        [row_of[item] for item in session if item in row_of] for session in _sessions(corpus, kind)
    ]
    usable = [session for session in sessions if 1 < len(session) <= MAX_SESSION]
    columns = np.array([row for session in usable for row in session], np.int64)
    rows = np.repeat(np.arange(len(usable)), [len(session) for session in usable])
    size = (len(usable), len(row_of))
    matrix = sparse.csr_matrix((np.ones(len(columns), np.float32), (rows, columns)), size)
    together = (matrix.T @ matrix).tocsr()
    alone = np.asarray(together.diagonal(), np.float64)
    together.setdiag(0)
    together.eliminate_zeros()
    return Counts(together, alone, len(usable))


def _sessions(corpus: Corpus, kind: str) -> list[list[str]]:
    """Distinct products of each session of train; of a list, its product beside each listed."""
    events = corpus.table("events") if corpus.has("events") else None
    found: list[list[str]] = []
    meant: list[list[str]] = []
    if kind == "bought":
        bundles = corpus.table("bundles") if corpus.has("bundles") else None
        found += baskets(events, None, "train")
        meant += baskets(None, bundles, "train")
    elif events is not None:
        frame = events.select(["event_type", "split", "session_id", "item_id"]).to_pandas()
        frame = frame[(frame["event_type"] == "VIEW") & (frame["split"] == "train")]
        frame = frame[frame["session_id"].notna()].drop_duplicates(["session_id", "item_id"])
        found += frame.groupby("session_id", sort=True)["item_id"].agg(list).tolist()
    column = f"also_{kind}"
    if corpus.has("items") and column in corpus.table("items").column_names:
        items = corpus.table("items", ["item_id", column])
        lists = zip(items["item_id"].to_pylist(), items[column].to_pylist(), strict=True)
        for item, listed in lists:
            meant += [[item, other] for other in dict.fromkeys(listed or ()) if other != item]
    return found + MIN_TOGETHER * meant


def _complements(bought: Counts, types: ProductTypes) -> tuple[NDArray[np.int64], str]:
    rows = bought.strong_pairs()
    return rows[~types.same(rows[:, 0], rows[:, 1])], BOUGHT


def _substitutes(
    bought: Counts, viewed: Counts, types: ProductTypes
) -> tuple[NDArray[np.int64], str]:
    if viewed.sessions:
        rows, source = viewed.strong_pairs(), VIEWED
    else:
        rows, source = _same_company(bought), COMPANY
        rows = rows[types.same(rows[:, 0], rows[:, 1])]
    return rows[bought.rarely(rows)], source


def _same_company(bought: Counts) -> NDArray[np.int64]:
    """Each product's nearest by the products it is bought with, int64 [pairs, 2].

    Company is the positive pointwise mutual information with the other products, reduced to 64
    dimensions.

    **Source**: Levy and Goldberg 2014, Neural Word Embedding as Implicit Matrix Factorization,
    section 5.
    """
    known = np.flatnonzero(bought.alone >= MIN_COMPANY)
    known = known[np.argsort(-bought.alone[known], kind="stable")[:COMPANY_PRODUCTS]]
    known.sort()
    if len(known) <= COMPANY_DIMENSION:
        return np.zeros((0, 2), np.int64)
    counts = bought.together[known][:, known].tocoo()
    lifts = bought.lifts(counts.data, known[counts.row], known[counts.col])
    values = np.maximum(np.log(np.maximum(lifts, 1e-9)), 0.0)
    information = sparse.csr_matrix((values, (counts.row, counts.col)), counts.shape)
    company = TruncatedSVD(COMPANY_DIMENSION, random_state=0).fit_transform(information)
    company /= np.maximum(np.linalg.norm(company, axis=1, keepdims=True), 1e-9)
    found: Pairs = set()
    for row, vector in enumerate(company):
        cosines = company @ vector
        cosines[row] = -1.0
        near = np.argpartition(-cosines, NEIGHBOURS)[:NEIGHBOURS]
        found.update(_key(int(known[row]), int(known[i])) for i in near if cosines[i] >= MIN_COSINE)
    return np.array(sorted(found), np.int64).reshape(-1, 2)


def _unrelated(
    found: list[LabelledPairs],
    counts: tuple[Counts, Counts],
    taken: Pairs,
    wanted: int,
    draw: np.random.Generator,
) -> NDArray[np.int64]:
    """Distinct pairs of products that other pairs have, int64 [at most wanted, 2]."""
    products = np.unique(np.concatenate([rows for part in found for rows in (part.a, part.b)]))
    drawn: dict[tuple[int, int], tuple[int, int]] = {}
    for _ in range(10):  # a small shop may not have as many as wanted
        a, b = draw.choice(products, (2, wanted))
        together = sum(np.asarray(count.together[a, b]).ravel() for count in counts)
        for i in np.flatnonzero((together == 0) & (a != b)):
            key = _key(int(a[i]), int(b[i]))
            if key not in taken and len(drawn) < wanted:
                drawn.setdefault(key, (int(a[i]), int(b[i])))
        if len(drawn) == wanted:
            break
    return np.array(list(drawn.values()), np.int64).reshape(-1, 2)
