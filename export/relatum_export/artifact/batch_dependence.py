"""How much a text's vector depends on the texts that it is encoded with."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from relatum_export.artifact.onnx_encoder import OnnxEncoder

PROBES = 12
MATES = 31


@dataclass(frozen=True, slots=True)
class BatchDependence:
    """1 - cosine between the vector of a text alone and among 31 others: mean and largest.

    Attributes:
        short_mean: over the shortest texts of a sample, among short and among long others.
        short_max: the largest of them.
        long_mean: over the longest texts.
        long_max: the largest of them.
    """

    short_mean: float
    short_max: float
    long_mean: float
    long_max: float

    @property
    def largest(self) -> float:
        """Over all probes."""
        return max(self.short_max, self.long_max)


def batch_dependence(
    encoder: OnnxEncoder, texts: Sequence[str], seed: int, *, probes: int = PROBES
) -> BatchDependence:
    """Measure it on some short and some long texts, each among short and among long others.

    Args:
        encoder: what the server would run.
        texts: at least two different ones.
        seed: of the draw of the others.
        probes: short texts, and as many long ones.
    """
    ordered = sorted(set(texts), key=lambda text: (len(text), text))
    half = max(1, len(ordered) // 2)
    draw = np.random.default_rng(seed)
    pools = (ordered[:half], ordered[half:] or ordered)
    found: list[list[float]] = []
    for chosen in (ordered[:probes], ordered[-probes:]):
        changes = []
        for probe in chosen:
            (alone,) = encoder.text_input.token_ids([probe], "document")
            expected = encoder.forward(*encoder.text_input.pad([alone]))[0]
            for pool in pools:
                mates = [pool[at] for at in draw.integers(0, len(pool), MATES)]
                rows = [alone, *encoder.text_input.token_ids(mates, "document")]
                among = encoder.forward(*encoder.text_input.pad(rows))[0]
                changes.append(max(0.0, 1 - float(expected @ among)))
        found.append(changes)
    short, long = found
    return BatchDependence(float(np.mean(short)), max(short), float(np.mean(long)), max(long))
