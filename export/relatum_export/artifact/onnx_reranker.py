"""An artifact's reranker, run by ONNX Runtime on the CPU: what the server will compute."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Self, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from relatum.artifact.v1 import manifest_pb2
from relatum_export.artifact.cpu_session import cpu_session
from relatum_export.training.cross_encoder import Pair, PairInput, score_pairs

Reading: TypeAlias = Literal["rerank", "answers"]
READINGS: tuple[Reading, ...] = get_args(Reading)
OUTPUT = "score"


class OnnxReranker:
    """One graph of a reranker; a ``PairScorer``.

    Args:
        graph: the ONNX file.
        pair_input: how a pair becomes tokens.
        threads: threads of the session.
    """

    def __init__(self, graph: Path, pair_input: PairInput, *, threads: int = 1) -> None:
        self._session = cpu_session(graph, threads)
        self._pair_input = pair_input

    @classmethod
    def open(
        cls, artifact: Path, manifest: manifest_pb2.Manifest, precision: str, *, threads: int = 1
    ) -> Self | None:
        """The graph of that precision; None where the artifact has no reranker of it."""
        part = manifest.reranker
        files = {variant.precision: variant.file for variant in part.variants}
        if precision not in files:
            return None
        tokenizer = Tokenizer.from_file(str(artifact / part.tokenizer_file))
        pair_input = PairInput(tokenizer, part.max_tokens, part.pad_token_id)
        return cls(artifact / files[precision], pair_input, threads=threads)

    def scores(self, pairs: Sequence[Pair]) -> NDArray[np.float32]:
        """How well each pair's second text answers its first, float32 [pairs]."""
        return score_pairs(self._pair_input, self._forward, pairs)

    def _forward(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        (scores,) = self._session.run([OUTPUT], {"input_ids": ids, "attention_mask": mask})
        return np.asarray(scores, dtype=np.float32)


def weights_of(manifest: manifest_pb2.Manifest) -> Mapping[Reading, float]:
    """What a score counts beside a cosine, by what it is for."""
    return {reading: getattr(manifest.reranker, reading) for reading in READINGS}
