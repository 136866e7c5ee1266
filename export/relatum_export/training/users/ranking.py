"""The valid figure that early stopping goes by: full ranking by the protocol of the corpus."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from relatum_export.corpus.folder import Corpus
from relatum_export.errors import InputError
from relatum_export.evaluation.protocols.baskets import Case as BasketCase
from relatum_export.evaluation.protocols.baskets import NextBasket
from relatum_export.evaluation.protocols.next_basket import outcomes_of
from relatum_export.evaluation.protocols.next_item import NEXT_ITEM, NextItem
from relatum_export.training.batching import length_sorted_batches
from relatum_export.training.users.histories import DAY_S, Histories
from relatum_export.training.users.model import UserEncoder
from relatum_export.training.users.windows import UNKNOWN_GAP, gaps_of

MEASURE = "NDCG@10"
Case = TypeVar("Case")


@dataclass(frozen=True, slots=True)
class Asked:
    """A history that is asked about: items int64 [events], gaps float32 [events], oldest first."""

    items: NDArray[np.int64]
    gap_days: NDArray[np.float32]


class ValidRanking(Protocol):
    """Ranks the whole catalogue for the shoppers of valid."""

    @property
    def name(self) -> str:
        """SET/valid/MEASURE of the first figure."""
        ...

    @property
    def repeats(self) -> bool:
        """Whether what a shopper has stays in the ranking."""
        ...

    def measure(
        self,
        encoder: UserEncoder,
        items: NDArray[np.float32],
        candidates: NDArray[np.float32] | None = None,
    ) -> dict[str, float]:
        """NDCG@10 and the protocol's other figures, by measure.

        Args:
            encoder: in the state to judge.
            items: behaviour vectors of the catalogue, float32 [items, dimension].
            candidates: vectors to rank by, where they are not those that histories are read by.
        """
        ...

    def sampled(self, cases: int, seed: int) -> "ValidRanking":
        """The same over at most so many cases, by a fixed draw."""
        ...


def user_vectors(
    encoder: UserEncoder, items: NDArray[np.float32], asked: Sequence[Asked]
) -> NDArray[np.float32]:
    """The query of each history into the behaviour space, float32 [histories, dimension].

    Args:
        encoder: reads the newest ``max_history`` events.
        items: behaviour vectors of the catalogue.
        asked: each with at least one event.
    """
    out = np.zeros((len(asked), items.shape[1]), np.float32)
    limit = encoder.max_history
    device = next(encoder.parameters()).device
    training = encoder.training
    encoder.eval()
    with torch.inference_mode():
        for batch in length_sorted_batches([min(len(a.items), limit) for a in asked]):
            lengths = [min(len(asked[i].items), limit) for i in batch]
            rows = np.zeros((len(batch), max(lengths)), np.int64)
            gaps = np.full(rows.shape, UNKNOWN_GAP, np.float32)
            for r, (i, n) in enumerate(zip(batch, lengths, strict=True)):
                rows[r, :n] = asked[i].items[-n:]
                gaps[r, :n] = asked[i].gap_days[-n:]
            inputs = torch.from_numpy(items[rows]), torch.tensor(lengths), torch.from_numpy(gaps)
            out[batch] = encoder(*(part.to(device) for part in inputs)).cpu().numpy()
    encoder.train(training)
    return out


@dataclass(frozen=True, slots=True)
class NextItemRanking:
    """NDCG@10 and HR@10 of the next item."""

    name: str
    data: NextItem

    @property
    def repeats(self) -> bool:
        """As the protocol has it."""
        return not self.data.remove_seen

    def measure(
        self,
        encoder: UserEncoder,
        items: NDArray[np.float32],
        candidates: NDArray[np.float32] | None = None,
    ) -> dict[str, float]:
        """See ``ValidRanking``."""
        ranked = items if candidates is None else candidates

        def scores(histories: Sequence[Sequence[int]]) -> NDArray[np.floating]:
            asked = [_without_times(np.asarray(h, np.int64)) for h in histories]
            return user_vectors(encoder, items, asked) @ ranked.T

        found = self.data.outcomes("valid", "users", scores)
        return {outcome.measure: outcome.value for outcome in found}

    def sampled(self, cases: int, seed: int) -> ValidRanking:
        """See ``ValidRanking``."""
        kept = {"valid": _draw(self.data.cases["valid"], cases, seed)}
        return replace(self, data=replace(self.data, cases=kept))


@dataclass(frozen=True, slots=True)
class NextBasketRanking:
    """NDCG@10 and R@10 of the next basket; of repeated and of new items too.

    Attributes:
        name: SET/valid/NDCG@10.
        data: the cases.
        days: by shopper, time of each event of train and valid, as in ``History``.
        repeats: as the protocol has it.
    """

    name: str
    data: NextBasket
    days: Mapping[str, NDArray[np.float64]]
    repeats: bool = True

    def measure(
        self,
        encoder: UserEncoder,
        items: NDArray[np.float32],
        candidates: NDArray[np.float32] | None = None,
    ) -> dict[str, float]:
        """See ``ValidRanking``."""
        ranked = items if candidates is None else candidates
        cases = self.data.cases["valid"]
        asked = [self._asked(case) for case in cases]
        vector = dict(zip(map(id, cases), user_vectors(encoder, items, asked), strict=True))
        found = outcomes_of(
            "valid",
            "users",
            cases,
            lambda case: (ranked @ vector[id(case)]).astype(np.float64),
            self.data.order("train"),
        )
        return {outcome.measure: outcome.value for outcome in found}

    def sampled(self, cases: int, seed: int) -> ValidRanking:
        """See ``ValidRanking``."""
        kept = {"valid": _draw(self.data.cases["valid"], cases, seed)}
        return replace(self, data=replace(self.data, cases=kept))

    def _asked(self, case: BasketCase) -> Asked:
        items = np.concatenate(case.before)
        now = case.time / DAY_S if self.data.clock else np.nan
        return Asked(items, gaps_of(np.append(self.days[case.user][: len(items)], now))[:-1])


def valid_ranking(corpus: Corpus) -> ValidRanking:
    """The ranking of the corpus's own protocol.

    Raises:
        InputError: there is no case to measure on.
    """
    name = f"{corpus.name}/valid/{MEASURE}"
    ranking: NextItemRanking | NextBasketRanking
    if NEXT_ITEM.applies(corpus):
        ranking = NextItemRanking(name, NextItem.read(corpus))
    else:
        known = Histories.read(corpus, "train+valid").shoppers
        days = {shopper.user: shopper.days for shopper in known}
        ranking = NextBasketRanking(name, NextBasket.read(corpus), days)
    if not ranking.data.cases["valid"]:
        raise InputError(
            f"corpus {corpus.path} has no valid case to stop by: no shopper with an event in train "
            "has one in valid; prepare a source with more events, or with other splits"
        )
    return ranking


def _without_times(items: NDArray[np.int64]) -> Asked:
    return Asked(items, gaps_of(np.full(len(items), np.nan)))


def _draw(cases: list[Case], count: int, seed: int) -> list[Case]:
    if len(cases) <= count:
        return cases
    chosen = np.random.default_rng(seed).choice(len(cases), count, replace=False)
    return [cases[i] for i in np.sort(chosen)]
