"""The ranking metric that early stopping and weight averaging go by."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.text import TextForm
from relatum_export.training.encoder import TextEncoder
from relatum_export.training.judged import CUTOFF, JudgedSplit
from relatum_export.training.pairs import TextPair, read_pairs
from relatum_export.training.products import Catalogue

MAX_QUERIES = 500
MAX_CANDIDATES = 2000


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
class PairMetric:
    """R@10: the held-out partner of a text, sought among up to 2,000 texts of its corpus.

    Attributes:
        queries: texts to start from.
        candidates: distinct texts to rank.
        targets: position of each query's partner among the candidates, int64 [queries].
    """

    name: str
    queries: tuple[str, ...]
    candidates: tuple[str, ...]
    targets: NDArray[np.int64]

    def measure(self, encoder: TextEncoder) -> float:
        """Share of queries whose partner is among the first ten, the query's own text left out."""
        documents = encoder.encode(self.candidates, kind="document")
        scores = encoder.encode(self.queries, kind="query") @ documents.T
        own = {text: column for column, text in enumerate(self.candidates)}
        for row, text in enumerate(self.queries):
            if text in own:
                scores[row, own[text]] = -np.inf
        target = np.take_along_axis(scores, self.targets[:, None], axis=1)
        return float(np.mean(np.sum(scores > target, axis=1) < CUTOFF))


@dataclass(frozen=True, slots=True)
class MeanMetric:
    """The mean of several metrics, one a corpus."""

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
        pairs, _ = read_pairs(corpus, catalogue, form, "valid")
        bought = [pair for pair in pairs if pair.kind == "co_bought"]
        if bought or pairs:
            texts = catalogue.texts(form)
            found.append(pair_metric(f"{corpus.name}/valid/R@10", bought or pairs, texts, seed))
    if len(found) > 1:
        return MeanMetric("mean of " + ", ".join(part.name for part in found), tuple(found))
    return found[0] if found else None


def pair_metric(
    name: str, pairs: Sequence[TextPair], catalogue_texts: Sequence[str], seed: int
) -> PairMetric:
    """Draw at most 500 pairs, and fill the candidates from the catalogue, by a fixed seed."""
    draw = random.Random(seed)  # noqa: S311 - a sample, not a secret
    chosen = list(pairs) if len(pairs) <= MAX_QUERIES else draw.sample(list(pairs), MAX_QUERIES)
    position: dict[str, int] = {}
    for pair in chosen:
        position.setdefault(pair.b, len(position))
    others = sorted({text for text in catalogue_texts if text and text not in position})
    room = max(0, MAX_CANDIDATES - len(position))
    for text in others if len(others) <= room else draw.sample(others, room):
        position[text] = len(position)
    targets = np.array([position[pair.b] for pair in chosen], dtype=np.int64)
    return PairMetric(name, tuple(pair.a for pair in chosen), tuple(position), targets)
