"""What a baseline is: fitted on histories, it scores the catalogue for a shopper's history."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from relatum_export.training.ranker.requests import JudgedRequests, Request, Scores

Settings = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Known:
    """What a baseline is fitted on.

    Attributes:
        judged: the shop's cases and histories.
        fit: train or train+valid.
        seed: of every draw.
        made: what takes long and was made already, by what it depends on, for other settings.
    """

    judged: JudgedRequests
    fit: str
    seed: int = 0
    made: dict[str, Any] = field(default_factory=dict)

    @property
    def items(self) -> int:
        """Size of the catalogue."""
        return len(self.judged.items)

    def interactions(self) -> sparse.csr_matrix:
        """How often each shopper had each item, float32 CSR [shoppers, items].

        Without repeats once is all: a second event of the same item says nothing of what is next.
        """
        counts = counted(self.judged.histories[self.fit], self.items)
        if not self.judged.repeats:
            counts.data[:] = 1.0
        return counts


@dataclass(frozen=True, slots=True)
class Baseline:
    """A method with the settings that valid chooses from.

    Attributes:
        name: as in the rows.
        tried: its settings; the same budget for all, at most six.
        fit: learns, and returns requests to scores [requests, items].
        baskets_alone: whether it is of next basket alone.
    """

    name: str
    tried: Sequence[Settings]
    fit: Callable[[Known, Settings], Scores]
    baskets_alone: bool = False

    def applies(self, judged: JudgedRequests) -> bool:
        """Whether the shop has what it is of."""
        return judged.in_baskets or not self.baskets_alone


def counted(histories: Sequence[NDArray[np.int64]], items: int) -> sparse.csr_matrix:
    """How often each history has each item, float32 CSR [histories, items]."""
    columns = np.concatenate([np.zeros(0, np.int64), *histories])
    rows = np.repeat(np.arange(len(histories)), [len(history) for history in histories])
    ones = np.ones(len(columns), np.float32)
    matrix = sparse.csr_matrix((ones, (rows, columns)), (len(histories), items))
    matrix.sum_duplicates()
    return matrix


def asked(requests: Sequence[Request], items: int, *, repeats: bool) -> sparse.csr_matrix:
    """The requests' histories as ``Known.interactions`` has shoppers."""
    matrix = counted([request.events for request in requests], items)
    if not repeats:
        matrix.data[:] = 1.0
    return matrix
