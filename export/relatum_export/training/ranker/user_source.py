"""The user encoder as a source of candidates."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relatum_export.training.ranker.requests import Request
from relatum_export.training.users.histories import DAY_S
from relatum_export.training.users.ranking import Asked
from relatum_export.training.users.run import TrainedUsers
from relatum_export.training.users.windows import gaps_of


@dataclass(frozen=True, slots=True)
class UserEncoderSource:
    """Inner product of each item's behaviour vector with the user encoder's query.

    Attributes:
        users: the trained encoder.
        vectors: behaviour vectors in the order of the catalogue, float32 [items, d].
        rows: row in the run's vectors of each item of the catalogue, int64 [items].
    """

    users: TrainedUsers
    vectors: NDArray[np.float32]
    rows: NDArray[np.int64]

    @classmethod
    def of(cls, users: TrainedUsers, items: Sequence[str]) -> "UserEncoderSource":
        """Lay the run's vectors out as the catalogue is."""
        row_of = {item: row for row, item in enumerate(users.items)}
        rows = np.array([row_of[item] for item in items], np.int64)
        return cls(users, users.vectors[rows], rows)

    def scores(self, requests: Sequence[Request]) -> NDArray[np.float32]:
        """See ``Source``."""
        queries = self.users.queries([self._asked(request) for request in requests])
        result: NDArray[np.float32] = queries @ self.vectors.T
        return result

    def _asked(self, request: Request) -> Asked:
        now = request.time / DAY_S  # NaN where there is no clock, and so the gaps are unknown
        return Asked(self.rows[request.events], gaps_of(np.append(request.days, now))[:-1])
