"""The encoder of an artifact, on ONNX Runtime: cache, tokenizer, batcher and session in a row."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from relatum_server.artifact import Artifact, EncoderSpec
from relatum_server.encoder.base import EncodedTexts, Kind, Lane
from relatum_server.encoder.batcher import Batcher, BatchReport, BatchSettings
from relatum_server.encoder.cache import VectorCache, normalize
from relatum_server.encoder.golden import GoldenText, check_rendering, read_golden
from relatum_server.encoder.session import CUDA, SessionSettings, open_session
from relatum_server.encoder.tokenizer import TextTokenizer
from relatum_server.errors import ArtifactError

# On a CPU a batch gains by little padding, not by size (MiniLM int8, 2 workers, titles: 357, 349,
# 265, 233 and 125 a second at 64, 256, 512, 1,024 and 4,096 tokens), and a query waits for the
# batch before it to end (82 ms at 256, 1.7 s at 4,096). A GPU wants thousands of tokens.
_CPU_BATCH_TOKENS = 256
_CUDA_BATCH_TOKENS = 8192


@dataclass(frozen=True, slots=True)
class OnnxSettings:
    """How an encoder is run.

    Attributes:
        session: Provider, precision and threads.
        workers: Batches at once; 0 is one a core, or two on CUDA, so that one is prepared
            while the other runs.
        max_batch_tokens: Padded tokens of a batch; 0 is 256 on the CPU and 8,192 on CUDA.
        max_queue_tokens: Tokens that may wait in each lane.
        cache_bytes: Memory of the cache of vectors.
    """

    session: SessionSettings = field(default_factory=SessionSettings)
    workers: int = 0
    max_batch_tokens: int = 0
    max_queue_tokens: int = 65_536
    cache_bytes: int = 64 * 2**20


class OnnxEncoder:
    """An `Encoder` over one exported graph."""

    def __init__(
        self,
        spec: EncoderSpec,
        *,
        provider: str,
        precision: str,
        tokenizer: TextTokenizer,
        batcher: Batcher,
        cache: VectorCache,
    ) -> None:
        self._spec = spec
        self._provider = provider
        self._precision = precision
        self._tokenizer = tokenizer
        self._batcher = batcher
        self.cache = cache

    @classmethod
    def open(
        cls,
        spec: EncoderSpec,
        settings: OnnxSettings,
        *,
        observe: Callable[[BatchReport], None] | None = None,
    ) -> "OnnxEncoder":
        """Open tokenizer and graph and start the workers.

        Raises:
            ArtifactError: A file does not load or does not fit the manifest.
            ConfigError: CUDA was asked for and does not work.
        """
        session = open_session(spec, settings.session)
        on_cuda = session.provider == CUDA
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        batching = BatchSettings(
            workers=settings.workers or (2 if on_cuda else cores or 1),
            max_batch_tokens=settings.max_batch_tokens
            or (_CUDA_BATCH_TOKENS if on_cuda else _CPU_BATCH_TOKENS),
            max_queue_tokens=settings.max_queue_tokens,
        )
        return cls(
            spec,
            provider=session.provider,
            precision=session.precision,
            tokenizer=TextTokenizer(spec),
            batcher=Batcher(
                session,
                dimension=spec.dimension,
                pad_token_id=spec.pad_token_id,
                settings=batching,
                observe=observe,
            ),
            cache=VectorCache(spec.encoder_id, settings.cache_bytes),
        )

    @property
    def encoder_id(self) -> str:
        """Hash over everything that the vectors depend on."""
        return self._spec.encoder_id

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._spec.dimension

    @property
    def provider(self) -> str:
        """The execution provider that really runs."""
        return self._provider

    @property
    def precision(self) -> str:
        """The variant that runs: int8, fp16 or fp32."""
        return self._precision

    @property
    def healthy(self) -> bool:
        """False after several failed batches in a row, until one succeeds."""
        return self._batcher.healthy

    def queued_tokens(self, lane: Lane) -> int:
        """Tokens that wait in a lane."""
        return self._batcher.queued_tokens(lane)

    def encode(
        self,
        texts: Sequence[str],
        kind: Kind,
        *,
        deadline: float | None = None,
        lane: Lane = "query",
    ) -> EncodedTexts:
        """Encode texts; see `Encoder.encode`. White space is normalised first."""
        encoded = self.cache.encode(
            [normalize(text) for text in texts],
            kind,
            lambda missing: self._infer(missing, kind, deadline, lane),
            wait_s=lambda: None if deadline is None else deadline - time.monotonic(),
            lane=lane,
        )
        vectors = np.empty((len(encoded), self.dimension), dtype=np.float32)
        for row, text in enumerate(encoded):
            vectors[row] = text.vector
        return EncodedTexts(
            vectors, [text.token_count for text in encoded], [text.truncated for text in encoded]
        )

    def warm_up(self) -> None:
        """Run one short and one longest input, so that no caller pays for first-time work."""
        self._infer(["warm up", "warm up " * self._spec.max_tokens], "QUERY", None, "query")

    def check_golden(self, artifact: Artifact) -> float:
        """Encode the artifact's golden inputs again; returns the smallest cosine to the expected.

        Each is encoded alone, as at export: dynamic int8 scales with the whole batch.

        Raises:
            ArtifactError: A vector is below the manifest's threshold, none is given for the
                precision that runs, or a product renders to another text.
        """
        texts, products = read_golden(artifact.golden_path, self.dimension)
        check_rendering(self._spec.text_form, products)
        # NumPy's minimum keeps NaN, and NaN is below no number: both matter for a broken graph.
        cosine = float(np.min([self._golden_cosine(artifact, g) for g in texts]))
        if not cosine >= artifact.golden_min_cosine:
            raise ArtifactError(
                f"{artifact.path}: {self._precision} on {self._provider} gives a golden text "
                f"cosine {cosine:.4f} to its expected vector, below {artifact.golden_min_cosine}; "
                "choose another `precision` or export again"
            )
        return cosine

    def close(self) -> None:
        """Finish what was accepted and stop. A second call does nothing."""
        self._batcher.close()

    def _golden_cosine(self, artifact: Artifact, golden: GoldenText) -> float:
        expected = golden.vectors.get(self._precision)
        if expected is None:
            raise ArtifactError(
                f"{artifact.golden_path}: no golden vectors for {self._precision}; export again"
            )
        vector = self._infer([golden.text], golden.kind, None, "query").vectors[0]
        return float(vector @ expected / (np.linalg.norm(vector) * np.linalg.norm(expected)))

    def _infer(
        self, texts: Sequence[str], kind: Kind, deadline: float | None, lane: Lane
    ) -> EncodedTexts:
        tokenized = self._tokenizer.tokenize(texts, kind)
        ids = [text.ids for text in tokenized]
        vectors = self._batcher.run(ids, deadline=deadline, lane=lane)
        return EncodedTexts(
            vectors, [len(text) for text in ids], [text.truncated for text in tokenized]
        )
