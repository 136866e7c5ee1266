"""How much a text's vector depends on the texts that it is encoded with."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from relatum_export.artifact.onnx_encoder import OnnxEncoder

PROBES = 12
MATES = 31
DRAWS = 3  # of mates from each half of the texts


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

    The probes stand in one batch of 32, so that each has 31 others; it is filled with drawn mates.

    Args:
        encoder: what the server would run.
        texts: at least two different ones.
        seed: of the draw of the others.
        probes: short texts, and as many long ones; at most 31.
    """
    ordered = sorted(set(texts), key=lambda text: (len(text), text))
    half = max(1, len(ordered) // 2)
    draw = np.random.default_rng(seed)
    pools = (ordered[:half], ordered[half:] or ordered)
    found: list[list[float]] = []
    for chosen in (ordered[:probes], ordered[-probes:]):
        probed = encoder.text_input.token_ids(chosen, "document")
        alone = np.stack([encoder.forward(*encoder.text_input.pad([ids]))[0] for ids in probed])
        changes: list[float] = []
        for pool in pools:
            for _ in range(DRAWS):
                mates = [pool[at] for at in draw.integers(0, len(pool), 1 + MATES - len(chosen))]
                rows = [*probed, *encoder.text_input.token_ids(mates, "document")]
                among = encoder.forward(*encoder.text_input.pad(rows))[: len(chosen)]
                changes += np.maximum(0.0, 1 - (alone * among).sum(axis=1)).tolist()
        found.append(changes)
    short, long = found
    return BatchDependence(float(np.mean(short)), max(short), float(np.mean(long)), max(long))
