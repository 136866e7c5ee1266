"""Next basket: a shopper's first basket of the period from the baskets before it.

A basket is one session id, in the order of time, then id. Products bought before stay candidates;
the figures over repeated and over new products take the others out of basket and candidates.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from relatum_export.corpus.folder import Corpus
from relatum_export.evaluation.evidence import Case as ShownCase
from relatum_export.evaluation.evidence import Evidence, Given
from relatum_export.evaluation.metrics import binary_ndcg, recall, top_k
from relatum_export.evaluation.product_facts import ProductFacts
from relatum_export.evaluation.protocols.base import Protocol, Task
from relatum_export.evaluation.protocols.baskets import Case, NextBasket
from relatum_export.evaluation.protocols.events import has_baskets
from relatum_export.evaluation.protocols.shopper_cases import described, shopper_case
from relatum_export.evaluation.rows import Outcome, mean_outcome

DEPTH = 10
BASKET_DECAY = 0.9  # per basket further back, in own-frequency-mix
RECENT_WEIGHT = 3.0  # of the last seven days' share, in own-frequency-mix
FITS = {"": "train", "+valid": "valid"}

Scores = Callable[[Case], NDArray[np.float64]]


def own_frequency(case: Case, items: int) -> NDArray[np.float64]:
    """Count of the shopper's baskets that hold the item."""
    return np.bincount(np.concatenate(case.before), minlength=items).astype(np.float64)


def recent_own_frequency(case: Case, items: int) -> NDArray[np.float64]:
    """The same with .9 per basket further back, divided by its largest."""
    ages = range(len(case.before) - 1, -1, -1)
    weights = np.concatenate(
        [np.full(len(b), BASKET_DECAY**age) for b, age in zip(case.before, ages, strict=True)]
    )
    score = np.bincount(np.concatenate(case.before), weights=weights, minlength=items)
    return np.asarray(score / score.max())


def systems(data: NextBasket, fit: str) -> Mapping[str, Scores]:
    """The scores of each system by its name, fitted on the splits up to ``fit``."""
    count = len(data.items)
    found: dict[str, Scores] = {
        "popularity": lambda case: data.popularity[fit],
        "own-frequency": lambda case: own_frequency(case, count),
    }
    if data.clock:
        found["popularity-7d"] = lambda case: data.recent_share(case.time)
        found["own-frequency-mix"] = lambda case: (
            recent_own_frequency(case, count) + RECENT_WEIGHT * data.recent_share(case.time)
        )
    return found


def outcomes_of(
    split: str, system: str, cases: list[Case], scores: Scores, order: NDArray[np.intp]
) -> list[Outcome]:
    """NDCG@10 and R@10 over all, repeated and new items of the baskets.

    Args:
        split: valid or test.
        system: as in the rows.
        cases: the shoppers.
        scores: of all items, float64 [items].
        order: the items in the order in which equal scores are ranked, int [items].
    """
    found: dict[str, tuple[list[str], list[float], list[float]]] = {
        slice_: ([], [], []) for slice_ in ("", "/repeat", "/new")
    }
    lists = []
    rank = np.empty(len(order), np.intp)
    rank[order] = np.arange(len(order))
    for case in cases:
        score = scores(case)
        bought = np.unique(np.concatenate(case.before))
        bought = bought[np.argsort(rank[bought])]
        # Long enough to hold ten that are new.
        top = order[top_k(score[order], DEPTH + len(bought))]
        lists.append(top[:DEPTH])
        new = ~np.isin(top, bought)
        repeated = np.isin(case.basket, bought)
        slices = {
            "": (top, case.basket),
            "/repeat": (bought[top_k(score[bought], DEPTH)], case.basket[repeated]),
            "/new": (top[new], case.basket[~repeated]),
        }
        for slice_, (ranked, basket) in slices.items():
            if not len(basket):
                continue
            hits = np.isin(ranked[:DEPTH], basket)
            units, ndcg, share = found[slice_]
            units.append(case.user)
            ndcg.append(binary_ndcg(hits, len(basket), DEPTH))
            share.append(recall(hits, len(basket)))
    outcomes = []
    for slice_, (units, ndcg, share) in found.items():
        outcomes.append(mean_outcome(split, system, f"NDCG@10{slice_}", units, ndcg))
        outcomes.append(mean_outcome(split, system, f"R@10{slice_}", units, share))
    outcomes[0] = replace(outcomes[0], evidence=Evidence(given=Given.of((), lists)))
    return outcomes


def _measure(task: Task) -> list[Outcome]:
    data = NextBasket.read(task.corpus)
    if not data.clock:
        task.notes.append("popularity-7d, own-frequency-mix: left out, the events have no times")
    outcomes = []
    for split in task.splits:
        for suffix, fit in FITS.items():
            if split == "test" or not suffix:
                order = data.order(fit)
                for name, scores in systems(data, fit).items():
                    cases = data.cases[split]
                    outcomes += outcomes_of(split, name + suffix, cases, scores, order)
    if task.recommender is not None:
        outcomes += task.recommender.outcomes(task, "next basket")
    # With published cases too, the baselines are of those.
    if task.baselines is not None and not task.corpus.has("cases"):
        outcomes += task.baselines(task.corpus, task.splits)
    facts = ProductFacts.read(task.corpus)
    shown = {split: _described(data, split, facts) for split in task.splits}
    return described(outcomes, NEXT_BASKET.kind, data.items, shown, facts)


def _described(data: NextBasket, split: str, facts: ProductFacts) -> dict[str, ShownCase]:
    return {
        case.user: shopper_case(
            facts,
            [data.items[i] for basket in case.before for i in basket.tolist()],
            len(case.before),
            [data.items[i] for i in case.basket.tolist()],
        )
        for case in data.cases[split]
    }


def _applies(corpus: Corpus) -> bool:
    if not (corpus.has("events") and corpus.has("items")):
        return False
    return has_baskets(corpus) and not corpus.has("bundles")


NEXT_BASKET = Protocol("next basket", ("events",), False, _applies, _measure)
