"""How much worse a form of an encoder ranks than its teacher, over all corpora together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relatum_export.evaluation.intervals import Interval, percentile_interval, resampled_ratios
from relatum_export.evaluation.metrics import ndcg_of_scores
from relatum_export.training.compression.ranked_sets import SPLIT, RankedSet
from relatum_export.training.encoder import TextEncoder
from relatum_export.training.judged import CUTOFF

NEIGHBOURS = 10
MAX_QUERIES, MAX_CANDIDATES = 200, 2000


@dataclass(frozen=True, slots=True)
class Ranking:
    """One encoder's NDCG@10.

    Attributes:
        units: of each query, question or bundle, by SET/valid/NDCG@10; float64 [units].
    """

    units: Mapping[str, NDArray[np.float64]]

    @property
    def figures(self) -> dict[str, float]:
        """The mean of each set."""
        return {name: float(values.mean()) for name, values in self.units.items()}

    @property
    def pooled(self) -> float | None:
        """The mean over sets, each weighing alike; None where nothing was ranked."""
        return float(np.mean(list(self.figures.values()))) if self.units else None


def measure(encoder: TextEncoder, sets: Sequence[RankedSet]) -> Ranking:
    """Rank every set; two sets of one corpus are told apart by a number."""
    units: dict[str, NDArray[np.float64]] = {}
    for one in sets:
        documents = encoder.encode(one.documents, kind="document")
        vectors = encoder.encode([asked.text for asked in one.asked], kind=one.kind)
        values: dict[str, list[float]] = {}
        for asked, vector in zip(one.asked, vectors, strict=True):
            scores = documents[asked.rows] @ vector
            found = ndcg_of_scores(scores, asked.labels, CUTOFF)
            values.setdefault(asked.unit, []).append(found)
        name = f"{one.name}/{SPLIT}/NDCG@{CUTOFF}"
        if name in units:
            name = f"{name}/{len(units)}"
        units[name] = np.array([np.mean(of) for of in values.values()])
    return Ranking(units)


def relative_loss(reference: Ranking, of: Ranking) -> Interval | None:
    """1 - the pooled figure over the reference's, with a paired 95 % interval.

    Each set weighs alike in both figures, and its units are resampled by themselves.

    Returns:
        None where nothing was ranked, or the reference found nothing.
    """
    expected, value = reference.pooled, of.pooled
    if expected is None or value is None or expected <= 0:
        return None
    sums = []
    for seed, (name, units) in enumerate(reference.units.items()):
        both = np.stack([of.units[name], units], axis=1)
        sums.append(resampled_ratios(both, np.ones_like(both), seed=seed))
    samples = np.sum(sums, axis=0)
    return percentile_interval(
        1 - value / expected, 1 - samples[:, 0] / np.maximum(samples[:, 1], 1e-12)
    )


def kept_neighbours(reference: NDArray[np.float32], vectors: NDArray[np.float32]) -> float:
    """Share of each text's ten nearest by the reference that are among its ten nearest here.

    Args:
        reference: the teacher's vectors, [texts, d]; the first 200 are asked with.
        vectors: the form's, of the same texts; its d may differ.
    """
    asked = min(MAX_QUERIES, len(reference))
    depth = min(NEIGHBOURS, len(reference) - 1)
    if depth < 1:
        return 1.0
    nearest = []
    for of in (reference, vectors):
        scores = of[:asked] @ of.T
        scores[np.arange(asked), np.arange(asked)] = -np.inf
        nearest.append(np.argpartition(-scores, depth - 1, axis=1)[:, :depth])
    shared = [len(set(a) & set(b)) for a, b in zip(*(n.tolist() for n in nearest), strict=True)]
    return float(np.mean(shared)) / depth
