"""The user encoder as a source of candidates."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from relatum_export.training.ranker.requests import Request
from relatum_export.training.users.histories import DAY_S
from relatum_export.training.users.ranking import Asked, user_vectors
from relatum_export.training.users.run import TrainedUsers
from relatum_export.training.users.windows import gaps_of

# Behaviour vectors of the catalogue and histories, each with an event, to queries [histories, d].
Queries: TypeAlias = Callable[[NDArray[np.float32], Sequence[Asked]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class UserEncoderSource:
    """Inner product of each item's behaviour vector with the user encoder's query.

    Attributes:
        queries: the trained encoder.
        vectors: behaviour vectors in the order of the catalogue, float32 [items, d].
        repeats: whether the encoder names again what the shopper has; else that has 0.
    """

    queries: Queries
    vectors: NDArray[np.float32]
    repeats: bool

    @classmethod
    def of(cls, users: TrainedUsers, items: Sequence[str]) -> "UserEncoderSource":
        """Lay the run's vectors out as the catalogue is; zeros for what it lacks."""
        row_of = {item: row for row, item in enumerate(users.items)}
        rows = np.array([row_of.get(item, -1) for item in items], np.int64)
        vectors = users.vectors[rows] * (rows >= 0)[:, None]
        repeats = users.config["settings"]["repeats"] == "on"
        return cls(partial(user_vectors, users.encoder), vectors, repeats)

    def scores(self, requests: Sequence[Request]) -> NDArray[np.float32]:
        """See ``Source``."""
        asking = [row for row, request in enumerate(requests) if len(request.events)]
        out = np.zeros((len(requests), len(self.vectors)), np.float32)
        if asking:
            queries = self.queries(self.vectors, [_asked(requests[row]) for row in asking])
            out[asking] = queries @ self.vectors.T
        if not self.repeats:
            for row in asking:
                out[row, requests[row].events] = 0.0
        return out


def _asked(request: Request) -> Asked:
    now = request.time / DAY_S  # NaN where there is no clock, and so the gaps are unknown
    return Asked(request.events, gaps_of(np.append(request.days, now))[:-1])
