"""The reranker: a query and a text read together, and how well the one answers the other."""

import json
import time
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from relatum_server.artifact import RerankerSpec
from relatum_server.encoder.graph import Graph
from relatum_server.encoder.session import CPU, choose_variant
from relatum_server.encoder.tokenizer import open_tokenizer
from relatum_server.errors import ArtifactError, DeadlineExceededError

BATCH_TOKENS = 2048  # padding included: a few tens of products at once
GOLDEN_DIFFERENCE = 0.5  # other CPUs round int8 otherwise; scores of pairs differ by ten
_AGAIN = "export the artifact again"


class Reranker(Protocol):
    """Scores of texts for a query. Safe from any thread."""

    def scores(
        self, query: str, texts: Sequence[str], *, deadline: float | None = None
    ) -> NDArray[np.float32]:
        """How well each text answers the query, float32 [texts].

        Args:
            query: as it is searched for.
            texts: of products.
            deadline: monotonic seconds after which nobody waits for the answer.

        Raises:
            DeadlineExceededError: it passed before all were read.
        """
        ...


class OnnxReranker:
    """`Reranker` of an artifact, on the CPU, in the thread of the caller."""

    def __init__(self, spec: RerankerSpec, graph: Graph) -> None:
        """Use `open`.

        Raises:
            ArtifactError: the tokenizer cannot be read.
        """
        self._tokenizer = open_tokenizer(spec.tokenizer_path)
        self._tokenizer.enable_truncation(max_length=spec.max_tokens, strategy="longest_first")
        self._pad, self._graph = spec.pad_token_id, graph

    @classmethod
    def open(cls, spec: RerankerSpec) -> "OnnxReranker":
        """Open the graph that suits the CPU, and try its golden pairs.

        Raises:
            ArtifactError: no such graph, or it does not load or answers otherwise than at export.
        """
        variant = choose_variant(spec, CPU, "auto")
        graph = Graph(variant.path, {"input_ids", "attention_mask"}, "score")
        reranker = cls(spec, graph)
        _check_golden(reranker, spec, variant.precision)
        return reranker

    def scores(
        self, query: str, texts: Sequence[str], *, deadline: float | None = None
    ) -> NDArray[np.float32]:
        """See `Reranker`."""
        encodings = self._tokenizer.encode_batch_fast([(query, text) for text in texts])
        rows = [encoding.ids for encoding in encodings]
        found = np.empty(len(rows), np.float32)
        for batch in _batches([len(row) for row in rows]):
            if deadline is not None and time.monotonic() >= deadline:
                raise DeadlineExceededError(
                    "the deadline passed before all candidates were read; name fewer, or allow "
                    "more time"
                )
            width = max(len(rows[i]) for i in batch)
            ids = np.full((len(batch), width), self._pad, np.int64)
            mask = np.zeros((len(batch), width), np.int64)
            for place, i in enumerate(batch):
                ids[place, : len(rows[i])] = rows[i]
                mask[place, : len(rows[i])] = 1
            found[batch] = self._graph.run({"input_ids": ids, "attention_mask": mask})
        return found


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Positions of near length together, at most `BATCH_TOKENS` with padding."""
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    while order:
        fit = max(1, BATCH_TOKENS // max(1, lengths[order[0]]))
        yield order[:fit]
        order = order[fit:]


def _check_golden(reranker: OnnxReranker, spec: RerankerSpec, precision: str) -> None:
    try:
        lines = [json.loads(x) for x in spec.golden_path.read_text(encoding="utf-8").splitlines()]
        pairs = [(str(x["query"]), str(x["text"]), float(x["scores"][precision])) for x in lines]
    except (KeyError, OSError, TypeError, ValueError) as error:
        raise ArtifactError(
            f"{spec.golden_path}: not golden pairs ({error!r}); {_AGAIN}"
        ) from error
    if not pairs:
        raise ArtifactError(f"{spec.golden_path}: holds no golden pair; {_AGAIN}")
    for query, text, expected in pairs:
        try:
            found = float(reranker.scores(query, [text])[0])
        except Exception as error:  # a foreign file: any of onnxruntime's errors
            cause = " ".join(str(error).split())
            raise ArtifactError(
                f"{spec.golden_path}: the reranker cannot read it ({cause}); {_AGAIN}"
            ) from error
        if not abs(found - expected) <= GOLDEN_DIFFERENCE:  # NaN fails too
            raise ArtifactError(
                f"{spec.golden_path}: {query!r} scores {found:.2f} here and {expected:.2f} at "
                f"export, allowed is a difference of {GOLDEN_DIFFERENCE}; {_AGAIN}"
            )
