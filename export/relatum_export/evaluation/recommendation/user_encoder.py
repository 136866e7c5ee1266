"""The user encoder of an artifact, read back from its files and run by ONNX Runtime."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from relatum_export.errors import InputError
from relatum_export.evaluation.systems import BehaviourSpace
from relatum_export.training.batching import length_sorted_batches
from relatum_export.training.ranker.user_source import UserEncoderSource
from relatum_export.training.users.export import GRAPH, RIDGE
from relatum_export.training.users.ranking import Asked
from relatum_export.training.users.ridge import apply_map
from relatum_export.training.users.windows import UNKNOWN_GAP


@dataclass(frozen=True, slots=True)
class ServedUsers:
    """What a server knows of shoppers' tastes.

    Attributes:
        session: of the graph.
        max_history: the newest so many events are read.
        repeats: whether it names again what a shopper has.
        space: of the products that were bought.
        ridge: of the others, float32 [text dimension + 1, d].
    """

    session: onnxruntime.InferenceSession
    max_history: int
    repeats: bool
    space: BehaviourSpace
    ridge: NDArray[np.float32]

    @classmethod
    def read(
        cls, folder: Path, space: BehaviourSpace, *, max_history: int, repeats: bool
    ) -> "ServedUsers":
        """From the files that ``export_users`` writes.

        Raises:
            InputError: one is damaged.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3  # errors; warnings are about parts left unoptimised
        providers = ["CPUExecutionProvider"]
        try:
            ridge = np.load(folder / RIDGE, allow_pickle=False)
            session = onnxruntime.InferenceSession(str(folder / GRAPH), options, providers)
        except Exception as error:  # ONNX Runtime has no common class of its errors
            cause = str(error).strip().splitlines()[0]
            raise InputError(
                f"the user encoder of {folder} is damaged ({cause}); export again"
            ) from error
        return cls(session, max_history, repeats, space, ridge)

    def source(self, items: Sequence[str], text: NDArray[np.float32]) -> UserEncoderSource:
        """As a source of candidates.

        Args:
            items: the catalogue's ids.
            text: their text vectors, float32 [items, text dimension]; zeros where one has no text.
        """
        row_of = {item: row for row, item in enumerate(self.space.item_ids)}
        rows = np.array([row_of.get(item, -1) for item in items], np.int64)
        known = (rows >= 0)[:, None]
        own = self.space.vectors[rows]
        own = own / np.maximum(np.linalg.norm(own, axis=1, keepdims=True), np.float32(1e-12))
        vectors = np.where(known, own, apply_map(self.ridge, text)).astype(np.float32)
        return UserEncoderSource(self.queries, vectors, self.repeats)

    def queries(self, vectors: NDArray[np.float32], asked: Sequence[Asked]) -> NDArray[np.float32]:
        """See ``training.ranker.user_source.Queries``."""
        wanted = {node.name for node in self.session.get_inputs()}
        out = np.zeros((len(asked), vectors.shape[1]), np.float32)
        lengths = np.array([min(len(a.items), self.max_history) for a in asked], np.int64)
        for batch in length_sorted_batches(lengths.tolist()):
            rows = np.zeros((len(batch), int(lengths[batch].max())), np.int64)
            gaps = np.full(rows.shape, UNKNOWN_GAP, np.float32)
            for r, (i, n) in enumerate(zip(batch, lengths[batch], strict=True)):
                rows[r, :n] = asked[i].items[-n:]
                gaps[r, :n] = asked[i].gap_days[-n:]
            feed = {"vectors": vectors[rows], "lengths": lengths[batch], "gap_days": gaps}
            chosen = {name: value for name, value in feed.items() if name in wanted}
            (out[batch],) = self.session.run(["query"], chosen)
        return out
