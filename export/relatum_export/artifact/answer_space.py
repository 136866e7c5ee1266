"""The space of an artifact in which questions lie near the passages that answer them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from relatum.artifact.v1 import manifest_pb2

QUESTION, PASSAGE = "answer_question.onnx", "answer_passage.onnx"
INPUT, OUTPUT = "vectors", "moved"


@dataclass(frozen=True, slots=True)
class AnswerSpace:
    """Both graphs of the answer head.

    Attributes:
        question: session of `answer_question.onnx`.
        passage: of `answer_passage.onnx`.
    """

    question: onnxruntime.InferenceSession
    passage: onnxruntime.InferenceSession

    @classmethod
    def read(cls, artifact: Path, manifest: manifest_pb2.Manifest) -> Self | None:
        """None where the artifact has no answer head."""
        if not manifest.HasField("answer_head"):
            return None
        head = manifest.answer_head
        return cls(
            open_graph(artifact / head.question_file), open_graph(artifact / head.passage_file)
        )

    def questions(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Vectors of queries, float32 [n, d], in the space, float32 [n, dimension]."""
        return _moved(self.question, vectors)

    def passages(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Vectors of documents, float32 [n, d], in the space, float32 [n, dimension]."""
        return _moved(self.passage, vectors)


def open_graph(file: Path) -> onnxruntime.InferenceSession:
    """A session on the CPU."""
    return onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])


def _moved(
    session: onnxruntime.InferenceSession, vectors: NDArray[np.float32]
) -> NDArray[np.float32]:
    found: NDArray[np.float32] = session.run([OUTPUT], {INPUT: vectors})[0]
    return found
