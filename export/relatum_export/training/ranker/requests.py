"""What a ranker is asked, and by which cases of a corpus its answers are judged."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from relatum_export.corpus.folder import Corpus
from relatum_export.errors import InputError
from relatum_export.evaluation.protocols.baskets import Case as BasketCase
from relatum_export.evaluation.protocols.baskets import NextBasket
from relatum_export.evaluation.protocols.next_basket import NEXT_BASKET, outcomes_of
from relatum_export.evaluation.protocols.next_item import NEXT_ITEM, NextItem
from relatum_export.evaluation.rows import Outcome
from relatum_export.training.users.histories import Histories, History

BATCH_CELLS = 16_000_000  # requests times items scored at once: 64 MB a source
FITS = {"train": "train", "train+valid": "valid"}  # what is fitted on: the last split of it


@dataclass(frozen=True, slots=True)
class Request:
    """A shopper at the moment of the question.

    Attributes:
        baskets: item positions of each basket, oldest first; without baskets each event is one.
        time: of the question, s since 1970; NaN where the shop has no clock.
        days: time of each event of the baskets, days since 1970, float64; NaN where unknown.
    """

    baskets: tuple[NDArray[np.int64], ...]
    time: float
    days: NDArray[np.float64]

    @property
    def events(self) -> NDArray[np.int64]:
        """Item positions of all events, oldest first."""
        return np.concatenate(self.baskets) if self.baskets else np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class BasketLog:
    """All shoppers' baskets along the clock: what a server has counted by a moment.

    Attributes:
        times: of each basket, s since 1970, ascending, float64 [baskets].
        held: which items each holds, [baskets, items] float32 CSR of ones.
    """

    times: NDArray[np.float64]
    held: sparse.csr_matrix

    def between(self, after: float, before: float) -> slice:
        """The baskets from ``after`` on and before ``before``."""
        low, high = np.searchsorted(self.times, [after, before])
        return slice(int(low), int(high))


Scores = Callable[[Sequence[Request]], NDArray[np.floating]]


@dataclass(frozen=True, slots=True)
class JudgedRequests:
    """A corpus's cases by its own protocol, as requests.

    Attributes:
        items: the catalogue's ids, sorted.
        requests: by split.
        relevant: by split, what each shopper took next, item positions.
        histories: by fit, events of each shopper, oldest first.
        shoppers: by fit, baskets of each shopper, oldest first; empty without baskets.
        repeats: whether what a shopper has stays in the ranking.
        log: baskets along the clock; None where the shop has no baskets or no clock.
        protocol: the cases as the protocol holds them.
    """

    items: tuple[str, ...]
    requests: Mapping[str, Sequence[Request]]
    relevant: Mapping[str, Sequence[NDArray[np.int64]]]
    histories: Mapping[str, Sequence[NDArray[np.int64]]]
    shoppers: Mapping[str, Sequence[Sequence[NDArray[np.int64]]]]
    repeats: bool
    log: BasketLog | None
    protocol: NextItem | NextBasket

    @classmethod
    def of_items(cls, corpus: Corpus) -> "JudgedRequests":
        """The cases of next item, whether valid has one or not."""
        return _of_items(corpus)

    @classmethod
    def of_baskets(cls, corpus: Corpus) -> "JudgedRequests":
        """The cases of next basket, whether valid has one or not."""
        return _of_baskets(corpus)

    @classmethod
    def read(cls, corpus: Corpus) -> "JudgedRequests":
        """The cases of next item or next basket, to choose on valid by.

        Raises:
            InputError: the corpus has neither, or no case in valid.
        """
        if NEXT_ITEM.applies(corpus):
            found = _of_items(corpus)
        elif NEXT_BASKET.applies(corpus):
            found = _of_baskets(corpus)
        else:
            raise InputError(
                f"corpus {corpus.path} has no next item or basket to rank for: `train ranker` "
                "needs items and events with shoppers, not bundles"
            )
        if not found.requests["valid"]:
            raise InputError(
                f"corpus {corpus.path} has no valid case to fit weights on: no shopper with an "
                "event in train has one in valid; prepare a source with more events, or with "
                "other splits"
            )
        return found

    @property
    def in_baskets(self) -> bool:
        """Whether the next basket is asked for, not the next item."""
        return isinstance(self.protocol, NextBasket)

    def of_valid(self, rows: Sequence[int]) -> "JudgedRequests":
        """The same with those cases of valid alone, and none of test."""
        protocol: NextItem | NextBasket
        if isinstance(self.protocol, NextBasket):
            baskets = self.protocol.cases["valid"]
            protocol = replace(
                self.protocol, cases={"valid": [baskets[i] for i in rows], "test": []}
            )
        else:
            targets = self.protocol.cases["valid"]
            protocol = replace(
                self.protocol, cases={"valid": [targets[i] for i in rows], "test": []}
            )
        return replace(
            self,
            requests={"valid": [self.requests["valid"][i] for i in rows], "test": []},
            relevant={"valid": [self.relevant["valid"][i] for i in rows], "test": []},
            protocol=protocol,
        )

    def order(self, fit: str) -> NDArray[np.intp]:
        """Positions in the order in which the protocol ranks equal scores."""
        if isinstance(self.protocol, NextBasket):
            return self.protocol.order(FITS[fit])
        return np.arange(len(self.items))

    def outcomes(self, split: str, system: str, scores: Scores, fit: str) -> list[Outcome]:
        """The protocol's figures of one system, by full ranking.

        Args:
            split: valid or test.
            system: as in the rows.
            scores: requests to [requests, items].
            fit: what the system was fitted on, for the order of ties.
        """
        requests = self.requests[split]
        if isinstance(self.protocol, NextBasket):
            cases = self.protocol.cases[split]
            rows = _rows(requests, scores, len(self.items))
            # The protocol asks case by case, in this order.
            return outcomes_of(split, system, cases, lambda case: next(rows), self.order(fit))

        def of_histories(histories: Sequence[Sequence[int]]) -> NDArray[np.floating]:
            return scores([_of_events(history) for history in histories])

        return self.protocol.outcomes(split, system, of_histories)


def batches(requests: Sequence[Request], items: int) -> list[Sequence[Request]]:
    """The requests in parts whose dense scores over the catalogue fit into memory."""
    size = max(1, BATCH_CELLS // max(items, 1))
    return [requests[start : start + size] for start in range(0, len(requests), size)]


def _rows(requests: Sequence[Request], scores: Scores, items: int) -> Iterator[NDArray[np.float64]]:
    for part in batches(requests, items):
        yield from np.asarray(scores(part), np.float64)


def _of_events(history: Sequence[int]) -> Request:
    events = np.asarray(history, np.int64)
    return Request(tuple(events[:, None]), np.nan, np.full(len(events), np.nan))


def _of_items(corpus: Corpus) -> JudgedRequests:
    data = NextItem.read(corpus)
    return JudgedRequests(
        data.items,
        {split: [_of_events(c.history) for c in cases] for split, cases in data.cases.items()},
        {split: [np.array([c.target]) for c in cases] for split, cases in data.cases.items()},
        {
            fit: [np.asarray(history, np.int64) for history in data.histories[last]]
            for fit, last in FITS.items()
        },
        {},
        not data.remove_seen,
        None,
        data,
    )


def _of_baskets(corpus: Corpus) -> JudgedRequests:
    data = NextBasket.read(corpus)
    known = {fit: Histories.read(corpus, fit).shoppers for fit in FITS}
    days = {shopper.user: shopper.days for shopper in known["train+valid"]}

    def request(case: BasketCase) -> Request:
        events = sum(map(len, case.before))
        time = case.time if data.clock else np.nan
        return Request(case.before, time, days[case.user][:events])

    shape = (len(data.times), len(data.items))
    ones = np.ones(len(data.contents), np.float32)
    held = sparse.csr_matrix((ones, data.contents, data.starts), shape)
    return JudgedRequests(
        data.items,
        {split: [request(case) for case in cases] for split, cases in data.cases.items()},
        {split: [case.basket for case in cases] for split, cases in data.cases.items()},
        {fit: [shopper.items for shopper in shoppers] for fit, shoppers in known.items()},
        {fit: [_baskets(shopper) for shopper in shoppers] for fit, shoppers in known.items()},
        True,
        BasketLog(data.times, held) if data.clock else None,
        data,
    )


def _baskets(shopper: History) -> list[NDArray[np.int64]]:
    return np.split(shopper.items, np.flatnonzero(np.diff(shopper.baskets)) + 1)
