"""The user encoder: a history of behaviour vectors to a query into their space."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from relatum_server.artifact import UserEncoderSpec, read_graph_golden
from relatum_server.encoder.graph import Graph

Vectors = NDArray[np.float32]


class UserEncoder(Protocol):
    """Reads histories. Safe from any thread."""

    @property
    def max_history(self) -> int:
        """The newest so many events are read."""
        ...

    @property
    def repeats(self) -> bool:
        """Whether it names again what the shopper has."""
        ...

    def query(self, vectors: Vectors, gap_days: NDArray[np.float32]) -> Vectors:
        """The query [d], of length 1, after the last event.

        Args:
            vectors: of the events, oldest first, float32 [length, d], 1..max_history of them.
            gap_days: days from each event to the next, of the last to now; -1 where unknown.
        """
        ...


class OnnxUserEncoder:
    """`UserEncoder` of an artifact."""

    def __init__(self, spec: UserEncoderSpec, graph: Graph) -> None:
        """Use `open`."""
        self._spec, self._graph = spec, graph

    @classmethod
    def open(cls, spec: UserEncoderSpec, max_difference: float) -> "OnnxUserEncoder":
        """Open the graph, and try its golden histories.

        Raises:
            ArtifactError: it does not load, or answers otherwise than at export.
        """
        inputs = {"vectors", "lengths"} | ({"gap_days"} if spec.reads_gaps else set())
        graph = Graph(spec.path, inputs, "query")
        graph.check(read_graph_golden(spec.golden_path), max_difference)
        return cls(spec, graph)

    @property
    def max_history(self) -> int:
        """See `UserEncoder`."""
        return self._spec.max_history

    @property
    def repeats(self) -> bool:
        """See `UserEncoder`."""
        return self._spec.repeats

    def query(self, vectors: Vectors, gap_days: NDArray[np.float32]) -> Vectors:
        """See `UserEncoder`."""
        inputs: dict[str, NDArray[np.generic]] = {
            "vectors": vectors[None],
            "lengths": np.array([len(vectors)], np.int64),
        }
        if self._spec.reads_gaps:
            inputs["gap_days"] = gap_days[None]
        query: Vectors = self._graph.run(inputs)[0]
        return query
