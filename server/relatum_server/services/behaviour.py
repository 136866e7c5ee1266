"""The artifact's behaviour vectors, for those of its products that the catalogue has."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from relatum_server.index.base import Index


class BehaviourPart:
    """Vectors join the index when their product arrives and leave with it.

    Without a space in the artifact, `index` is None and nothing ever joins.
    """

    def __init__(
        self,
        index: Index | None = None,
        ids: Sequence[str] = (),
        vectors: NDArray[np.float16] | None = None,
    ) -> None:
        """Take an empty index and the artifact's ids and vectors, as `load_space` gives them."""
        self.index = index
        self._rows = {product_id: row for row, product_id in enumerate(ids)}
        self._vectors = vectors

    def __len__(self) -> int:
        return 0 if self.index is None else len(self.index)

    def join(self, keys: Sequence[int], ids: Sequence[str]) -> None:
        """Insert the vectors of these products, where the artifact has them."""
        if self.index is None or self._vectors is None:
            return
        found = [(k, self._rows[i]) for k, i in zip(keys, ids, strict=True) if i in self._rows]
        if not found:
            return
        # A key is one product's for good and the artifact's vector of it does not change: what a
        # snapshot brought stays.
        _, present = self.index.get(np.array([key for key, _ in found], np.int64))
        found = [pair for pair, here in zip(found, present.tolist(), strict=True) if not here]
        if not found:
            return
        vectors = self._vectors[[row for _, row in found]].astype(np.float32)
        lengths = np.linalg.norm(vectors, axis=1)
        usable = np.isfinite(lengths) & (lengths > 0)
        here = np.array([key for key, _ in found], np.int64)[usable]
        if len(here):
            self.index.upsert(here, vectors[usable] / lengths[usable, None])

    def leave(self, keys: Sequence[int]) -> None:
        """Remove; unknown keys are ignored."""
        if self.index is not None:
            self.index.remove(np.array(keys, np.int64))

    def close(self) -> None:
        """Release the index. Safe twice."""
        if self.index is not None:
            self.index.close()
