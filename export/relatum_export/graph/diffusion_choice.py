"""Which diffusion a corpus gains by, measured on its valid split; none where it gains nothing."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relatum_export.console import Reporter
from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.text import TextForm
from relatum_export.evaluation.encoding import CachedEncoder
from relatum_export.evaluation.intervals import Interval, percentile_interval, resampled_ratios
from relatum_export.evaluation.rows import Outcome
from relatum_export.graph.diffusion import Diffusion, candidates, diffuse, operators
from relatum_export.graph.edges import KnowledgeGraph
from relatum_export.graph.measures import Measure, search_outcome, vector_scores
from relatum_export.graph.settings import GraphSettings
from relatum_export.training.judged import JudgedSplit
from relatum_export.training.products import Catalogue

# A name and vectors of the catalogue to their figure on valid.
Judge = Callable[[str, NDArray[np.float32]], Outcome]


@dataclass(frozen=True, slots=True)
class ProductTexts:
    """A corpus's products as an encoder sees them.

    Attributes:
        corpus: the tables.
        catalogue: its products.
        encoder: of their texts.
        form: how they become text.
    """

    corpus: Corpus
    catalogue: Catalogue
    encoder: CachedEncoder
    form: TextForm


@dataclass(frozen=True, slots=True)
class Diffused:
    """What came of it.

    Attributes:
        vectors: [products, d] in the catalogue's order; None where diffusion does not help.
        metrics: for `metrics.json`.
    """

    vectors: NDArray[np.float32] | None
    metrics: Mapping[str, Any]


def choose_diffusion(
    inputs: ProductTexts,
    graph: KnowledgeGraph,
    measure: Measure | None,
    settings: GraphSettings,
    reporter: Reporter,
) -> Diffused:
    """Try each diffusion on valid; keep the best if it beats the text itself for certain.

    For certain: the 95 % interval of the paired difference is above 0. The choice was made on the
    same units, which flatters it a little. Where there is nothing to measure on, the first
    settings are taken as they are.
    """
    tried = candidates(settings.diffusion, graph)
    if not tried:
        reporter.info("diffusion: none of the relations to travel has an edge")
        return Diffused(None, {"kept": False, "chosen": None, "measure": None})
    vectors = inputs.encoder.encode(inputs.catalogue.texts(inputs.form), kind="document")
    along = operators(graph)
    judge = _judge(inputs, measure, settings.max_cases)
    if judge is None:
        reporter.info("diffusion: no valid split to choose on; the first settings are taken")
        metrics = {"kept": True, "chosen": asdict(tried[0]), "measure": None}
        return Diffused(diffuse(vectors, along, tried[0]), metrics)
    text = judge("text", vectors)
    outcomes = [judge(str(i), diffuse(vectors, along, each)) for i, each in enumerate(tried)]
    best = max(range(len(tried)), key=lambda i: (outcomes[i].value, -i))
    gain = paired_gain(text, outcomes[best])
    reporter.info(_line(text, outcomes[best], tried[best], gain))
    metrics = {
        "kept": gain.low > 0,
        "chosen": asdict(tried[best]),
        "measure": text.measure,
        "text": text.value,
        "diffused": outcomes[best].value,
        "gain": asdict(gain),
        "tried": [
            {**asdict(each), "value": outcome.value}
            for each, outcome in zip(tried, outcomes, strict=True)
        ],
    }
    return Diffused(diffuse(vectors, along, tried[best]) if gain.low > 0 else None, metrics)


def paired_gain(reference: Outcome, outcome: Outcome) -> Interval:
    """The difference of two outcomes over the same units, with its 95 % interval."""
    both = (outcome, reference)
    samples = resampled_ratios(
        np.stack([each.numerator for each in both], axis=1),
        np.stack([each.denominator for each in both], axis=1),
    )
    return percentile_interval(outcome.value - reference.value, samples[:, 0] - samples[:, 1])


def _judge(inputs: ProductTexts, measure: Measure | None, max_cases: int) -> Judge | None:
    """What says how good vectors of the catalogue are: judged queries before purchases."""
    judged = JudgedSplit.read(inputs.corpus, inputs.catalogue, "valid")
    if judged.queries:
        queries = judged.queries[:max_cases]
        asked = inputs.encoder.encode([query.text for query in queries], kind="query")
        return lambda system, vectors: search_outcome(system, queries, asked, vectors)
    if measure is None:
        return None
    row_of = {item: row for row, item in enumerate(inputs.catalogue.ids)}
    rows = np.array([row_of[item] for item in measure.items])

    def of_purchases(system: str, vectors: NDArray[np.float32]) -> Outcome:
        own = vectors[rows]
        return measure.outcome(system, vector_scores(own, own, ~own.any(axis=1)))

    return of_purchases


def _line(text: Outcome, best: Outcome, chosen: Diffusion, gain: Interval) -> str:
    how = f"{'+'.join(chosen.relations)}, alpha {chosen.alpha}, {chosen.steps} steps"
    return (
        f"diffusion: {text.measure} on valid {text.value:.4f} by text, {best.value:.4f} by {how} "
        f"(gain {gain.low:+.4f} to {gain.high:+.4f})"
    )
