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
        self._lacking = np.zeros(0, np.bool_)

    def __len__(self) -> int:
        return 0 if self.index is None else len(self.index)

    @property
    def lacking(self) -> NDArray[np.bool_]:
        """Bool by key: products of the catalogue that the index does not have."""
        return self._lacking

    def join(self, keys: Sequence[int], ids: Sequence[str]) -> None:
        """Insert the vectors of these products, where the artifact has them."""
        if self.index is None or self._vectors is None:
            return
        joining = np.array(keys, np.int64)
        rows = np.array([self._rows.get(product_id, -1) for product_id in ids], np.int64)
        # A key is one product's for good and the artifact's vector of it does not change: what a
        # snapshot brought stays.
        _, present = self.index.get(joining)
        new = np.flatnonzero(~present & (rows >= 0))
        vectors = self._vectors[rows[new]].astype(np.float32)
        lengths = np.linalg.norm(vectors, axis=1)
        usable = np.isfinite(lengths) & (lengths > 0)
        new = new[usable]
        if len(new):
            self.index.upsert(joining[new], vectors[usable] / lengths[usable, None])
            present[new] = True
        self._mark(joining, ~present)

    def leave(self, keys: Sequence[int]) -> None:
        """Remove; unknown keys are ignored."""
        if self.index is not None:
            leaving = np.array(keys, np.int64)
            self.index.remove(leaving)
            known = leaving[leaving < len(self._lacking)]
            self._mark(known, np.zeros(len(known), np.bool_))

    def _mark(self, keys: NDArray[np.int64], lacking: NDArray[np.bool_]) -> None:
        """Note it in a copy: readers keep the one that they have."""
        if not len(keys):
            return
        size = len(self._lacking)
        if keys.max() >= size:
            size = max(2 * size, int(keys.max()) + 1)
        elif (self._lacking[keys] == lacking).all():
            return
        marks = np.zeros(size, np.bool_)
        marks[: len(self._lacking)] = self._lacking
        marks[keys] = lacking
        self._lacking = marks

    def close(self) -> None:
        """Release the index. Safe twice."""
        if self.index is not None:
            self.index.close()
