"""How much worse a form of an encoder ranks than its teacher, over all corpora together."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relatum_export.console import Reporter
from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.text import TextForm
from relatum_export.evaluation.encoding import CachedEncoder
from relatum_export.evaluation.intervals import Interval, percentile_interval, resampled_ratios
from relatum_export.evaluation.protocols.base import Protocol, Task
from relatum_export.evaluation.protocols.bundles import BUNDLES
from relatum_export.evaluation.protocols.questions import QUESTIONS
from relatum_export.evaluation.protocols.search import SEARCH
from relatum_export.evaluation.protocols.service import SERVICE
from relatum_export.evaluation.rows import Outcome
from relatum_export.evaluation.systems import EncoderSystem
from relatum_export.training.encoder import TextEncoder
from relatum_export.training.products import Catalogue

PROTOCOLS: tuple[Protocol, ...] = (SEARCH, QUESTIONS, BUNDLES, SERVICE)
MEASURES = ("NDCG@10", "P@1", "R@10")  # the one figure of each of these protocols
NEIGHBOURS = 10
MAX_QUERIES, MAX_CANDIDATES = 200, 2000


@dataclass(frozen=True, slots=True)
class Ranking:
    """One encoder's figures.

    Attributes:
        figures: by SET/valid/MEASURE.
        units: each unit's own figure, all sets one after the other, float64 [units]; units are
            queries, questions and bundles.
        weights: what each unit counts in its set's figure, float64 [units].
    """

    figures: Mapping[str, float]
    units: NDArray[np.float64]
    weights: NDArray[np.float64]


class RankingSuite:
    """What the valid splits of corpora measure of an encoder of texts.

    Args:
        sources: the corpora with their products, None where one has none.
        form: how products become text.
        reporter: for progress.
    """

    def __init__(
        self,
        sources: Sequence[tuple[Corpus, Catalogue | None]],
        form: TextForm,
        reporter: Reporter,
    ) -> None:
        self._sources = sources
        self._form = form
        self._reporter = reporter

    def measure(self, name: str, encoder: TextEncoder) -> Ranking:
        """The figures of one encoder; empty where no corpus has a valid split to rank."""
        identity = hashlib.sha256(name.encode()).hexdigest()[:16]
        cached = CachedEncoder(encoder, identity, None, name, self._reporter)
        system = EncoderSystem(name, cached, (self._form,), whole_corpus=False)
        found: dict[str, Outcome] = {}
        for corpus, catalogue in self._sources:
            task = Task(corpus, catalogue, ("valid",), [system], None)
            for protocol in PROTOCOLS:
                if protocol.applies(corpus):
                    for outcome in protocol.measure(task):
                        own = outcome.system == name and outcome.measure in MEASURES
                        if own and outcome.units:
                            found[f"{corpus.name}/valid/{outcome.measure}"] = outcome
        values = [_per_unit(outcome) for outcome in found.values()]
        counts = [outcome.denominator for outcome in found.values()]
        empty = np.zeros(0)
        return Ranking(
            {name: outcome.value for name, outcome in found.items()},
            np.concatenate(values) if values else empty,
            np.concatenate(counts) if counts else empty,
        )


def relative_loss(reference: Ranking, of: Ranking) -> Interval | None:
    """1 - the figure over the reference's, over all units alike, with a paired 95 % interval.

    Returns:
        None where nothing was ranked, or the reference found nothing.
    """
    if not len(reference.units) or reference.units.mean() <= 0:
        return None
    both = np.stack([of.units, reference.units], axis=1)
    samples = resampled_ratios(both, np.ones_like(both))
    lost = 1 - samples[:, 0] / np.maximum(samples[:, 1], 1e-12)
    return percentile_interval(1 - float(of.units.mean() / reference.units.mean()), lost)


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


def _per_unit(outcome: Outcome) -> NDArray[np.float64]:
    return outcome.numerator / np.maximum(outcome.denominator, 1e-12)
