"""Whether an exported graph does what PyTorch does: by cosine, and by the rankings it gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relatum_export.corpus.text import TextForm
from relatum_export.errors import QualityError
from relatum_export.evaluation.agreement import agrees, changed_units
from relatum_export.training.encoder import TextEncoder
from relatum_export.training.judged import JudgedSplit
from relatum_export.training.products import Catalogue

SAMPLE_TEXTS = 300
GROSS_DIFFERENCE = 0.05  # relative: beyond it the graph is broken, not merely rounded


@dataclass(frozen=True, slots=True)
class Gate:
    """Cosines to PyTorch below which a variant is refused."""

    min_cosine: float
    mean_cosine: float


GATES: Mapping[str, Gate] = {
    "fp32": Gate(0.9999, 0.9999),
    "fp16": Gate(0.999, 0.9995),
    "int8": Gate(0.80, 0.97),
}


@dataclass(frozen=True, slots=True)
class Agreement:
    """One ranking measure, on a variant and on PyTorch.

    Attributes:
        measure: SET/SPLIT/NDCG@10.
        value: the variant's mean.
        reference: PyTorch's mean.
        changed_queries: queries whose own measure differs by more than .01.
        agrees: the means differ by at most .5 % relative, or at most two queries changed.
    """

    measure: str
    value: float
    reference: float
    changed_queries: int
    agrees: bool


@dataclass(frozen=True, slots=True)
class Verification:
    """What one variant's comparison with PyTorch found."""

    precision: str
    min_cosine: float
    mean_cosine: float
    agreements: tuple[Agreement, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """PyTorch's answers, computed once for all variants.

    Attributes:
        texts: sample of the corpus's texts.
        vectors: float32 [texts, d].
        measures: NDCG@10 of each query by split, for the splits that are judged.
    """

    texts: tuple[str, ...]
    vectors: NDArray[np.float32]
    measures: Mapping[str, NDArray[np.float64]]


class Verifier:
    """Compares variants with PyTorch on one corpus.

    Args:
        name: the set's name, for the names of measures.
        texts: the corpus's documents, of which a sample is encoded.
        catalogue: the corpus's products.
        form: how they become text.
        splits: the judged splits to rank; those without queries are left out.
    """

    def __init__(
        self,
        name: str,
        texts: Sequence[str],
        catalogue: Catalogue,
        form: TextForm,
        splits: Sequence[JudgedSplit],
    ) -> None:
        self._name = name
        self._texts = texts
        self._catalogue = catalogue
        self._form = form
        self._splits = [split for split in splits if split.queries]

    def reference(self, encoder: TextEncoder) -> Reference:
        """Encode the sample and rank the judged splits with PyTorch."""
        texts = sample_texts(self._texts)
        return Reference(texts, encoder.encode(texts, kind="document"), self._measure(encoder))

    def verify(self, precision: str, encoder: TextEncoder, reference: Reference) -> Verification:
        """Compare one variant.

        Raises:
            QualityError: a cosine below the variant's gate, or a ranking measure grossly off.
        """
        vectors = encoder.encode(reference.texts, kind="document")
        cosines = np.sum(vectors.astype(np.float64) * reference.vectors, axis=1)
        gate = GATES[precision]
        lowest, mean = float(cosines.min()), float(cosines.mean())
        if not (lowest >= gate.min_cosine and mean >= gate.mean_cosine):  # NaN fails too
            raise QualityError(
                f"the {precision} graph differs from PyTorch: cosine at least {lowest:.5f}, mean "
                f"{mean:.5f}, allowed {gate.min_cosine} and {gate.mean_cosine}"
            )
        agreements = [
            agreement(f"{self._name}/{split}/NDCG@10", measured, reference.measures[split])
            for split, measured in self._measure(encoder).items()
        ]
        for found in agreements:
            if abs(found.value - found.reference) > GROSS_DIFFERENCE * found.reference:
                raise QualityError(
                    f"the {precision} graph ranks otherwise than PyTorch: {found.measure} is "
                    f"{found.value:.4f}, PyTorch's {found.reference:.4f}"
                )
        return Verification(precision, lowest, mean, tuple(agreements))

    def _measure(self, encoder: TextEncoder) -> dict[str, NDArray[np.float64]]:
        return {
            split.split: split.ndcg(encoder, self._catalogue, self._form) for split in self._splits
        }


def agreement(
    measure: str, values: NDArray[np.float64], references: NDArray[np.float64]
) -> Agreement:
    """Apply the project's rule to one measure of each query, float64 [queries] twice."""
    value, reference = float(values.mean()), float(references.mean())
    changed = changed_units(values, references)
    return Agreement(measure, value, reference, changed, agrees(value, reference, changed))


def sample_texts(texts: Sequence[str]) -> tuple[str, ...]:
    """At most 300 different texts, evenly spread by length, so that long ones are tried too."""
    distinct = sorted({text for text in texts if text}, key=lambda text: (len(text), text))
    if len(distinct) <= SAMPLE_TEXTS:
        return tuple(distinct)
    positions = np.linspace(0, len(distinct) - 1, SAMPLE_TEXTS).round().astype(int)
    return tuple(distinct[i] for i in positions)
