"""Cold products: what known shoppers later bought of products that nobody had bought in train.

The query is the shopper's train history alone, so that only text can tell the cold products apart.
A text system answers by the mean of the history's vectors. The artifact answers as `ListRelated`
does for SIMILAR with the history's newest products as examples, by text and by behaviour; like the
API it leaves those out.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.text import TextForm
from relatum_export.evaluation.metrics import recall, top_k
from relatum_export.evaluation.protocols.base import Protocol, Task, choose_form
from relatum_export.evaluation.protocols.events import product_ids, shopper_purchases
from relatum_export.evaluation.recommendation.similar import SimilarProducts
from relatum_export.evaluation.rows import Outcome, mean_outcome
from relatum_export.evaluation.systems import HEAD_SYSTEMS, EncoderSystem

DEPTH = 50
BATCH = 128  # shoppers whose scores of the whole catalogue are held at once
RANDOM = "random"


@dataclass(frozen=True, slots=True)
class Case:
    """One shopper, as positions in the catalogue.

    Attributes:
        user: the shopper.
        history: purchase lines in train, oldest first.
        bought: distinct cold products bought in the split.
    """

    user: str
    history: NDArray[np.int64]
    bought: NDArray[np.int64]


# Of each case the scores of the whole catalogue, and those where the cold are the only candidates.
Scores = Iterable[tuple[NDArray[np.floating], NDArray[np.floating]]]


@dataclass(frozen=True, slots=True)
class ColdProducts:
    """The cases of a set.

    Attributes:
        items: ids, sorted: ties are broken by position.
        cold: positions of the products bought in valid or test but never in train.
        cases: by split.
    """

    items: tuple[str, ...]
    cold: NDArray[np.int64]
    cases: Mapping[str, list[Case]]

    @classmethod
    def read(cls, corpus: Corpus) -> "ColdProducts":
        """Find the products without a train event and who bought them later."""
        items = product_ids(corpus)
        lines = shopper_purchases(corpus, items)
        train = lines[lines["split"] == "train"]
        seen = corpus.table("events", ["item_id", "split"]).to_pandas()
        warm = set(seen.loc[seen["split"] == "train", "item_id"])
        later = lines[(lines["split"] != "train") & ~lines["item_id"].isin(warm)]
        history = {user: group.to_numpy() for user, group in train.groupby("user_id")["place"]}
        cases: dict[str, list[Case]] = {}
        for split in ("valid", "test"):
            own = later[(later["split"] == split) & later["user_id"].isin(history)]
            cases[split] = [
                Case(str(user), history[user], np.unique(group))
                for user, group in own.groupby("user_id", sort=True)["place"]
            ]
        cold = np.unique(later["place"].to_numpy())
        return cls(tuple(items), cold, cases)

    def outcomes(self, split: str, system: str, scores: Scores) -> list[Outcome]:
        """R@50 over the shopper's cold purchases: whole catalogue, and among the cold alone.

        Args:
            split: valid or test.
            system: as in the rows.
            scores: of the split's cases, in their order.
        """
        whole, alone = [], []
        for case, (score, among_cold) in zip(self.cases[split], scores, strict=True):
            top = top_k(score, DEPTH)
            whole.append(recall(np.isin(top, case.bought), len(case.bought)))
            top = self.cold[top_k(among_cold[self.cold], DEPTH)]
            alone.append(recall(np.isin(top, case.bought), len(case.bought)))
        return self._rows(split, system, whole, alone)

    def by_vectors(self, split: str, system: str, vectors: NDArray[np.float32]) -> list[Outcome]:
        """The same by the mean of the history's vectors.

        Args:
            split: valid or test.
            system: as in the rows.
            vectors: float32 [items, d]; a product without text is a row of zeros.
        """

        def scores() -> Iterator[tuple[NDArray[np.floating], NDArray[np.floating]]]:
            cases = self.cases[split]
            for start in range(0, len(cases), BATCH):
                part = cases[start : start + BATCH]
                means = np.stack([vectors[case.history].mean(axis=0) for case in part])
                for row in means @ vectors.T:
                    yield row, row

        return self.outcomes(split, system, scores())

    def random(self, split: str) -> list[Outcome]:
        """What a random order is expected to find: the same share for every shopper."""
        shoppers = len(self.cases[split])
        sizes = (len(self.items), len(self.cold))
        whole, alone = ([min(DEPTH / max(n, 1), 1.0)] * shoppers for n in sizes)
        return self._rows(split, RANDOM, whole, alone)

    def _rows(
        self, split: str, system: str, whole: list[float], alone: list[float]
    ) -> list[Outcome]:
        units = [case.user for case in self.cases[split]]
        return [
            mean_outcome(split, system, f"R@{DEPTH}/cold", units, whole),
            mean_outcome(split, system, f"R@{DEPTH}/cold-alone", units, alone),
        ]


def _measure(task: Task) -> list[Outcome]:
    data = ColdProducts.read(task.corpus)
    splits = [split for split in task.splits if data.cases[split]]
    if not splits:
        return []
    outcomes = [outcome for split in splits for outcome in data.random(split)]
    for system in task.text:
        if not isinstance(system, EncoderSystem):
            continue  # a history is a mean of vectors; words have none
        if not system.whole_corpus:
            continue  # every text of the catalogue once more, to show an agreement shown elsewhere

        def vectors(form: TextForm, system: EncoderSystem = system) -> NDArray[np.float32]:
            catalogue = task.products()
            text = dict(zip(catalogue.ids, catalogue.texts(form), strict=True))
            return system.encoder.encode([text.get(i, "") for i in data.items], kind="document")

        def on_valid(form: TextForm, system: EncoderSystem = system) -> float | None:
            if not data.cases["valid"]:
                return None
            return data.by_vectors("valid", system.name, vectors(form, system))[0].value

        chosen = vectors(choose_form(task, system, on_valid))
        similar = None
        if task.behaviour is not None and system.name in HEAD_SYSTEMS:
            catalogue = task.products()
            title = {i: p.title for i, p in zip(catalogue.ids, catalogue.products, strict=True)}
            similar = SimilarProducts.of(
                data.items,
                chosen,
                task.behaviour,
                titles=[title.get(i, "") for i in data.items],
                words=system.words,
            )
        for split in splits:
            if similar is None:
                outcomes += data.by_vectors(split, system.name, chosen)
            else:
                outcomes += _served(data, split, system.name, similar)
    return outcomes


def _served(data: ColdProducts, split: str, system: str, similar: SimilarProducts) -> list[Outcome]:
    only_cold = np.zeros(len(data.items), np.bool_)
    only_cold[data.cold] = True
    scores = (
        (similar.scores(case.history), similar.scores(case.history, only_cold))
        for case in data.cases[split]
    )
    return data.outcomes(split, system, scores)


def _applies(corpus: Corpus) -> bool:
    """Where time divides the splits a product can be new; bundles and cases split otherwise."""
    other = corpus.has("bundles") or corpus.has("cases")
    return corpus.has("events") and corpus.has("items") and not other


COLD_PRODUCTS = Protocol("cold products", ("events",), True, _applies, _measure)
