"""How long one text takes on this machine."""

import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnxruntime

from relatum_export.artifact.onnx_encoder import OnnxEncoder

TEXTS = 100
WARM_UP = 5


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds a text, one at a time, tokenising included.

    Attributes:
        texts: how many were timed.
        p50_ms: median.
        p99_ms: 99th percentile.
        threads: of the session.
        machine: processor architecture.
        onnxruntime: version.
    """

    texts: int
    p50_ms: float
    p99_ms: float
    threads: int
    machine: str
    onnxruntime: str


def measure_latency(encoder: OnnxEncoder, texts: Sequence[str]) -> Latency:
    """Encode up to 100 texts one by one; ``texts`` must not be empty."""
    step = max(1, len(texts) // TEXTS)
    chosen = list(texts[::step][:TEXTS])
    for text in chosen[:WARM_UP]:
        encoder.encode([text], kind="document")
    taken = []
    for text in chosen:
        started = time.perf_counter()
        encoder.encode([text], kind="document")
        taken.append(1000 * (time.perf_counter() - started))
    p50, p99 = np.percentile(taken, [50, 99])
    return Latency(
        texts=len(chosen),
        p50_ms=round(float(p50), 3),
        p99_ms=round(float(p99), 3),
        threads=encoder.threads,
        machine=platform.machine(),
        onnxruntime=onnxruntime.__version__,
    )
