"""What a run is judged by while it lasts: a small valid part of each corpus, weighed alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from relatum_export.console import Reporter
from relatum_export.corpus.text import TextForm
from relatum_export.training.batching import Kind, Progress
from relatum_export.training.encoder import TextEncoder
from relatum_export.training.encoder_recipe.base_record import BaseRecord
from relatum_export.training.encoder_recipe.questions import candidate_metric
from relatum_export.training.encoder_recipe.sources import Source
from relatum_export.training.held_out import PairMetric, held_out_metrics
from relatum_export.training.judged import CUTOFF, JudgedSplit
from relatum_export.training.settings import TrainSettings
from relatum_export.training.text_choice import FormChoice, choose_form
from relatum_export.training.validation import JudgedMetric, RankingMetric

MIN_DOCUMENTS = 10  # of a corpus, however many there are
LEAST_BASE = 0.05  # a gain is taken of no less: from .001 to .002 is no doubling


@dataclass(frozen=True, slots=True)
class Part:
    """One figure of one corpus."""

    corpus: str
    metric: RankingMetric


@dataclass(frozen=True, slots=True)
class Validation:
    """The figures of all corpora, and what they say together.

    Attributes:
        parts: one or two a corpus.
        max_loss: how far a figure may fall below the base's.
    """

    parts: tuple[Part, ...]
    max_loss: float

    def figures(self, encoder: TextEncoder) -> dict[str, float]:
        """Each part by its name."""
        return {part.metric.name: part.metric.measure(encoder) for part in self.parts}

    def gain(self, figures: Mapping[str, float], base: Mapping[str, float]) -> float:
        """Mean over corpora of the relative gain, so that none counts more for its scale.

        A corpus's gain is the mean of its parts'.
        """
        gains: dict[str, list[float]] = {}
        for part in self.parts:
            name = part.metric.name
            gain = (figures[name] - base[name]) / max(base[name], LEAST_BASE)
            gains.setdefault(part.corpus, []).append(gain)
        return sum(sum(each) / len(each) for each in gains.values()) / len(gains)

    def harmless(self, figures: Mapping[str, float], base: Mapping[str, float]) -> bool:
        """Whether no part lost more than ``max_loss``."""
        return all(figures[name] >= base[name] - self.max_loss for name in base)


class RememberingEncoder:
    """An encoder that does not change, and encodes no text twice."""

    def __init__(self, encoder: TextEncoder) -> None:
        self._encoder = encoder
        self._known: dict[tuple[Kind, str], NDArray[np.float32]] = {}

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._encoder.dimension

    @property
    def text_form(self) -> None:
        """Nobody chose one."""
        return

    def encode(
        self, texts: Sequence[str], *, kind: Kind, progress: Progress | None = None
    ) -> NDArray[np.float32]:
        """Encode texts; float32 [len(texts), dimension], rows of length 1, in their order."""
        new = [text for text in dict.fromkeys(texts) if (kind, text) not in self._known]
        vectors = self._encoder.encode(new, kind=kind, progress=progress)
        self._known.update(((kind, text), v) for text, v in zip(new, vectors, strict=True))
        if not texts:
            return vectors
        return np.stack([self._known[kind, text] for text in texts])


def valid_parts(sources: Sequence[Source], settings: TrainSettings) -> list[list[RankingMetric]]:
    """What each corpus is measured by, under the form of its source; none without a valid part.

    Judged products where there are any, else judged answers, else held-out partners.
    """
    documents = min(settings.validation_documents, settings.validation_total // len(sources))
    return [_parts(source, settings, max(MIN_DOCUMENTS, documents)) for source in sources]


def _parts(source: Source, settings: TrainSettings, documents: int) -> list[RankingMetric]:
    corpus, catalogue, seed = source.corpus, source.catalogue, settings.seed
    queries = settings.validation_queries
    judged = JudgedSplit.read(corpus, catalogue, "valid").sample(queries, documents, seed)
    if judged.queries:
        name = f"{source.name}/valid/NDCG@{CUTOFF}"
        return [JudgedMetric(name, judged, catalogue, source.form)]
    answers = candidate_metric(corpus, questions=queries, documents=documents, seed=seed)
    if answers is not None:
        return [answers]
    return list(
        held_out_metrics(
            corpus,
            catalogue,
            source.form,
            seed,
            max_queries=queries,
            max_candidates=documents,
        )
    )


def choose_source_form(
    source: Source, parts: Sequence[RankingMetric], encoder: TextEncoder
) -> FormChoice:
    """The form of one corpus by its own valid part.

    Args:
        source: as read.
        parts: of its valid split.
        encoder: the base; it is asked for the same texts again, so it had better remember.
    """
    judged = next((part.valid for part in parts if isinstance(part, JudgedMetric)), None)
    of_products = next((p for p in parts if isinstance(p, PairMetric) and p.of_products), None)
    nobody = JudgedSplit("valid", ())
    return choose_form(encoder, source.catalogue, judged or nobody, of_products)


def _under(part: RankingMetric, form: TextForm) -> RankingMetric:
    if isinstance(part, JudgedMetric):
        return replace(part, form=form)
    return part.under(form) if isinstance(part, PairMetric) else part


def measure_base(
    sources: Sequence[Source],
    encoder: TextEncoder,
    settings: TrainSettings,
    reporter: Reporter,
) -> BaseRecord:
    """Choose each corpus's form, if that is wanted, and take the base's figures under these.

    Args:
        sources: as read.
        encoder: the base.
        settings: sizes of the valid parts.
        reporter: told each choice.
    """
    remembering = RememberingEncoder(encoder)
    forms: dict[str, str] = {}
    scores: dict[str, Mapping[str, float]] = {}
    figures: dict[str, float] = {}
    for source, parts in zip(sources, valid_parts(sources, settings), strict=True):
        choice = FormChoice(source.form, {})
        if settings.choose_forms:
            choice = choose_source_form(source, parts, remembering)
        forms[source.name] = choice.form.name
        scores[source.name] = dict(choice.scores)
        under = [_under(part, choice.form) for part in parts]
        figures |= {part.name: part.measure(remembering) for part in under}
        if source.catalogue.ids and settings.choose_forms:
            reporter.info(f"text of {source.name}: {choice.form.name}")
    return BaseRecord(forms, scores, figures)


def validation(sources: Sequence[Source], settings: TrainSettings) -> Validation | None:
    """The figures to go by, under the forms of the sources; None where no corpus has any."""
    parts = [
        Part(source.name, metric)
        for source, found in zip(sources, valid_parts(sources, settings), strict=True)
        for metric in found
    ]
    return Validation(tuple(parts), settings.max_loss) if parts else None
