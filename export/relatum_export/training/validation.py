"""The ranking metric that early stopping and weight averaging go by."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.text import TextForm
from relatum_export.training.encoder import TextEncoder
from relatum_export.training.held_out import held_out_metrics
from relatum_export.training.judged import JudgedSplit
from relatum_export.training.products import Catalogue


class RankingMetric(Protocol):
    """One number from 0 to 1, higher is better."""

    @property
    def name(self) -> str:
        """SET/valid/MEASURE."""
        ...

    def measure(self, encoder: TextEncoder) -> float:
        """The metric of an encoder as it is now."""
        ...


@dataclass(frozen=True, slots=True)
class JudgedMetric:
    """NDCG@10 over the judged products of each valid query."""

    name: str
    valid: JudgedSplit
    catalogue: Catalogue
    form: TextForm

    def measure(self, encoder: TextEncoder) -> float:
        """Mean over queries."""
        return float(self.valid.ndcg(encoder, self.catalogue, self.form).mean())


@dataclass(frozen=True, slots=True)
class MeanMetric:
    """The mean of several metrics."""

    name: str
    parts: tuple[RankingMetric, ...]

    def measure(self, encoder: TextEncoder) -> float:
        """Unweighted mean."""
        return sum(part.measure(encoder) for part in self.parts) / len(self.parts)


def validation_metric(
    sources: Sequence[tuple[Corpus, Catalogue]], form: TextForm, seed: int
) -> RankingMetric | None:
    """Judgments where a corpus has them, else held-out pairs; None where no corpus has either."""
    found: list[RankingMetric] = []
    for corpus, catalogue in sources:
        valid = JudgedSplit.read(corpus, catalogue, "valid")
        if valid.queries:
            found.append(JudgedMetric(f"{corpus.name}/valid/NDCG@10", valid, catalogue, form))
            continue
        found += held_out_metrics(corpus, catalogue, form, seed)
    if len(found) > 1:
        return MeanMetric("mean of " + ", ".join(part.name for part in found), tuple(found))
    return found[0] if found else None


def figures(metric: RankingMetric, encoder: TextEncoder) -> dict[str, float]:
    """The metric by its name; of a mean the parts as well, after it."""
    if not isinstance(metric, MeanMetric):
        return {metric.name: metric.measure(encoder)}
    parts = {part.name: part.measure(encoder) for part in metric.parts}
    return {metric.name: sum(parts.values()) / len(parts), **parts}
