"""How long texts take on this machine: one alone, and many in batches."""

import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import onnxruntime

from relatum_export.artifact.onnx_encoder import OnnxEncoder
from relatum_export.training.encoder import TextEncoder

TEXTS = 100
WARM_UP = 5
ROUNDS = 3
MAX_TITLES = 400
Name = TypeVar("Name", bound=str)


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


def throughputs(
    encoders: Mapping[Name, TextEncoder], titles: Sequence[str], *, count: int = MAX_TITLES
) -> dict[Name, float]:
    """Titles a second of each encoder: the best of three rounds, which go through all in turn.

    What else the machine does slows single rounds; the best one is nearest to the encoder's own
    speed, and turns make it fall on none of them alone.
    """
    chosen = list(dict.fromkeys(title for title in titles if title))[:count]
    for encoder in encoders.values():
        encoder.encode(chosen[:64], kind="document")
    best = dict.fromkeys(encoders, float("inf"))
    for _ in range(ROUNDS):
        for name, encoder in encoders.items():
            started = time.perf_counter()
            encoder.encode(chosen, kind="document")
            best[name] = min(best[name], time.perf_counter() - started)
    return {name: len(chosen) / seconds for name, seconds in best.items()}
