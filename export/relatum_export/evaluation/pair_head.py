"""The association head of an artifact, asked as the server asks it."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from relatum_export.artifact.onnx_encoder import read_manifest
from relatum_export.corpus.folder import Corpus
from relatum_export.training.association_head.lexical import PairText, WordWeights
from relatum_export.training.association_head.products import LexicalFeatures, read_facts
from relatum_export.training.products import Catalogue

LEAST = 1e-12


@dataclass(frozen=True, slots=True)
class PairHead:
    """A graph with what its features need.

    Attributes:
        session: of `pair_head.onnx`.
        words: weights for the features; None where the head reads the vectors alone.
        learned: the classes that some label spoke for.
        temperature: that the graph divides the logits by.
    """

    session: onnxruntime.InferenceSession
    words: WordWeights | None
    learned: frozenset[str]
    temperature: float

    @classmethod
    def read(cls, artifact: Path) -> "PairHead | None":
        """None where the artifact has no head."""
        manifest = read_manifest(artifact)
        if not manifest.HasField("pair_head"):
            return None
        head = manifest.pair_head
        words = None
        if head.features:
            found = json.loads((artifact / head.words_file).read_text(encoding="utf-8"))["words"]
            words = WordWeights(found["weights"], found["rare"])
        session = onnxruntime.InferenceSession(
            str(artifact / head.file), providers=["CPUExecutionProvider"]
        )
        return cls(session, words, frozenset(head.learned_classes), head.temperature)

    def features(
        self,
        corpus: Corpus,
        catalogue: Catalogue,
        a: NDArray[np.int64],
        b: NDArray[np.int64],
    ) -> NDArray[np.float32]:
        """Of pairs of the catalogue's rows, float32 [pairs, features]."""
        if self.words is None:
            return np.zeros((len(a), 0), np.float32)
        facts = read_facts(corpus)
        rows, place = np.unique(np.concatenate([a, b]), return_inverse=True)
        texts = [PairText.of(facts[catalogue.ids[row]]) for row in rows.tolist()]
        return LexicalFeatures(texts, self.words).of(place[: len(a)], place[len(a) :])

    def probabilities(
        self, a: NDArray[np.float32], b: NDArray[np.float32], features: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Of the classes, calibrated, [pairs, classes].

        Args:
            a: vectors of the first products, [pairs, d].
            b: vectors of the second.
            features: see ``features``.
        """
        feed = {"a": a, "b": b, "features": features}
        wanted = {node.name: feed[node.name] for node in self.session.get_inputs()}
        found: NDArray[np.float32] = self.session.run(["probabilities"], wanted)[0]
        return np.asarray(found, np.float64)

    def uncalibrated(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """What the head would say at temperature 1: p^T, so that rows sum to 1 again."""
        sharp = np.maximum(probabilities, LEAST) ** self.temperature
        sharp[probabilities <= 0] = 0.0
        return np.asarray(sharp / sharp.sum(axis=1, keepdims=True))
