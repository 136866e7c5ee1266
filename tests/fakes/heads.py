"""An association head and a user encoder without graphs."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from relatum_server.encoder.pair_features import PairText


class FakePairHead:
    """Alike products are substitutes: probability (1 + cosine) / 2, the rest is unrelated."""

    def __init__(
        self, classes: Sequence[str] = ("unrelated", "substitute"), *, reads_texts: bool = False
    ) -> None:
        self.classes = classes
        self.reads_texts = reads_texts
        self.texts: list[tuple[PairText, PairText]] = []

    def probabilities(
        self,
        a: NDArray[np.float32],
        b: NDArray[np.float32],
        texts: Sequence[tuple[PairText, PairText]],
    ) -> NDArray[np.float32]:
        self.texts += texts
        sure = (1.0 + (a * b).sum(axis=1)) / 2.0
        found = np.zeros((len(a), len(self.classes)), np.float32)
        found[:, self.classes.index("unrelated")] = 1.0 - sure
        found[:, -1] = sure
        return found


class FakeUserEncoder:
    """The newest event's vector is the query; `asked` keeps what was read."""

    def __init__(self, max_history: int = 4, *, repeats: bool = True) -> None:
        self.max_history = max_history
        self.repeats = repeats
        self.asked: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = []

    def query(
        self, vectors: NDArray[np.float32], gap_days: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        self.asked.append((vectors, gap_days))
        length = float(np.linalg.norm(vectors[-1]))
        query: NDArray[np.float32] = (vectors[-1] / length).astype(np.float32)
        return query
