"""The association head: what the ordered pair of two products is, with a probability."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from relatum_server.artifact import (
    PairHeadSpec,
    WordWeights,
    read_graph_golden,
    read_pairs,
    read_words,
)
from relatum_server.encoder.graph import Graph
from relatum_server.encoder.pair_features import FEATURES, PairText, ProductFacts, pair_features
from relatum_server.errors import ArtifactError

FEATURE_TOLERANCE = 1e-4
Vectors = NDArray[np.float32]


class PairHead(Protocol):
    """Probabilities of ordered pairs. Safe from any thread."""

    @property
    def classes(self) -> Sequence[str]:
        """The classes that were learned, in the order of the columns."""
        ...

    @property
    def reads_texts(self) -> bool:
        """Whether it needs the texts beside the vectors."""
        ...

    def probabilities(
        self, a: Vectors, b: Vectors, texts: Sequence[tuple[PairText, PairText]]
    ) -> NDArray[np.float32]:
        """float32 [pairs, classes], rows of sum 1.

        Args:
            a: document vectors of what each pair starts from, float32 [pairs, dimension].
            b: of what it leads to.
            texts: of each pair; empty where the head reads none.
        """
        ...


class OnnxPairHead:
    """`PairHead` of an artifact."""

    def __init__(self, spec: PairHeadSpec, graph: Graph, words: WordWeights | None) -> None:
        """Use `open`."""
        self._graph, self._words = graph, words
        self._columns = [spec.classes.index(name) for name in spec.learned]
        self._learned = spec.learned

    @classmethod
    def open(cls, spec: PairHeadSpec, max_difference: float) -> "OnnxPairHead":
        """Open the graph, and try its golden pairs.

        Raises:
            ArtifactError: it does not load or answers otherwise than at export, or its features
                are not those that this server computes.
        """
        words = None if spec.words_path is None else read_words(spec.words_path)
        inputs = {"a", "b"} | ({"features"} if spec.features else set())
        graph = Graph(spec.path, inputs, "probabilities")
        graph.check(read_graph_golden(spec.golden_path), max_difference)
        if words is not None:
            _check_features(spec, words)
        return cls(spec, graph, words)

    @property
    def classes(self) -> Sequence[str]:
        """See `PairHead`."""
        return self._learned

    @property
    def reads_texts(self) -> bool:
        """See `PairHead`."""
        return self._words is not None

    def probabilities(
        self, a: Vectors, b: Vectors, texts: Sequence[tuple[PairText, PairText]]
    ) -> NDArray[np.float32]:
        """See `PairHead`."""
        inputs: dict[str, NDArray[np.generic]] = {"a": a, "b": b}
        if self._words is not None:
            rows = [pair_features(one, other, self._words) for one, other in texts]
            inputs["features"] = np.array(rows, np.float32).reshape(len(a), len(FEATURES))
        return self._graph.run(inputs)[:, self._columns]


def _check_features(spec: PairHeadSpec, words: WordWeights) -> None:
    if spec.features != FEATURES or spec.golden_features_path is None:
        raise ArtifactError(
            f"{spec.path}: reads the features {', '.join(spec.features)}, and this server computes "
            f"{', '.join(FEATURES)}; export again with the server's version of relatum"
        )
    for pair in read_pairs(spec.golden_features_path, len(FEATURES)):
        try:
            sides = [PairText.of(ProductFacts(**facts)) for facts in (pair.a, pair.b)]  # type: ignore[arg-type]
        except (AttributeError, TypeError) as error:
            raise ArtifactError(
                f"{spec.golden_features_path}: not facts of a product ({error}); export the "
                "artifact again"
            ) from error
        found = np.array(pair_features(sides[0], sides[1], words), np.float32)
        wrong = np.flatnonzero(~(np.abs(found - pair.features) <= FEATURE_TOLERANCE))
        if len(wrong):
            name, at = FEATURES[wrong[0]], int(wrong[0])
            raise ArtifactError(
                f"{spec.golden_features_path}: {name} of a golden pair is {found[at]:.5f} here and "
                f"was {pair.features[at]:.5f} at export; export again with the server's version of "
                "relatum"
            )
