"""The drawn pairs as texts, with what is known of each side beside them."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relatum_export.corpus.normalise import normalise
from relatum_export.training.batching import Kind
from relatum_export.training.encoder import TextEncoder
from relatum_export.training.encoder_recipe.noise import Noise
from relatum_export.training.encoder_recipe.pair_sets import PairSet
from relatum_export.training.encoder_recipe.sources import Source
from relatum_export.training.pairs import Pair, side_text

KINDS: tuple[Kind, ...] = ("query", "document")


@dataclass(frozen=True, slots=True)
class PairTable:
    """The pairs of one set, in the order drawn.

    Attributes:
        name: of the set.
        kind: of its pairs.
        graded: whether labels count.
        anchors: texts of the first sides as trained on, noise included, without prefix.
        positives: texts of the second sides.
        labels: 0..1, float64 [n].
        anchor_ids: number of each first side's product group or text, int64 [n].
        positive_ids: the same of second sides.
        anchor_texts: row of each first side's clean text among the run's texts, int64 [n].
        positive_texts: the same of second sides.
    """

    name: str
    kind: str
    graded: bool
    anchors: tuple[str, ...]
    positives: tuple[str, ...]
    labels: NDArray[np.float64]
    anchor_ids: NDArray[np.int64]
    positive_ids: NDArray[np.int64]
    anchor_texts: NDArray[np.int64]
    positive_texts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.anchors)


class Sides:
    """Numbers the sides of one corpus: products of a group are one, and texts that look alike."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._numbers: dict[tuple[str, str], int] = {}

    def number(self, side: int | str) -> int:
        """The number of a side, a new one if it was not seen before."""
        if isinstance(side, int):
            key = ("group", self._source.catalogue.groups[side])
        else:
            key = ("text", normalise(side) or side)
        return self._numbers.setdefault(key, len(self._numbers))


class KnownPairs:
    """Which sides of one corpus are known to belong together, whatever was drawn.

    Args:
        pairs: numbers of both sides.
    """

    def __init__(self, pairs: Sequence[tuple[int, int]]) -> None:
        both = [*pairs, *((b, a) for a, b in pairs)]
        self._codes = np.unique(np.array([(a << 32) | b for a, b in both], dtype=np.int64))

    def among(self, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of a x b are known, bool [a, b]."""
        codes = (a[:, None] << 32) | b[None, :]
        if not len(self._codes):
            return np.zeros(codes.shape, np.bool_)
        at = np.minimum(np.searchsorted(self._codes, codes), len(self._codes) - 1)
        found: NDArray[np.bool_] = self._codes[at] == codes
        return found


class RunTexts:
    """The distinct clean texts of a run, numbered as they come."""

    def __init__(self) -> None:
        self._rows: dict[tuple[Kind, str], int] = {}

    def row(self, kind: Kind, text: str) -> int:
        """Row of a text on one side of a pair, a new one if it was not seen before."""
        return self._rows.setdefault((kind, text), len(self._rows))

    def encode(self, encoder: TextEncoder) -> NDArray[np.float32]:
        """Vectors by row, float32 [texts, d]."""
        vectors = np.zeros((len(self._rows), encoder.dimension), dtype=np.float32)
        for kind in KINDS:
            rows = [row for (side, _), row in self._rows.items() if side == kind]
            texts = [text for side, text in self._rows if side == kind]
            vectors[rows] = encoder.encode(texts, kind=kind)
        return vectors


def make_table(
    one: PairSet,
    drawn: Sequence[Pair],
    sides: Sides,
    texts: RunTexts,
    *,
    noise: Noise,
    seed: int,
    typed: Sequence[int | str] | None = None,
) -> PairTable:
    """Render the drawn pairs; the same seed gives the same noise.

    A first side that is a text is what somebody may type, so it is where typing errors go.

    Args:
        one: the set.
        drawn: pairs of it.
        sides: numbers of the corpus's sides.
        texts: of the run; the clean ones are added.
        noise: what the texts suffer.
        seed: of the noise.
        typed: first sides where some are in another wording; by default the pairs' own.
    """
    draw = random.Random(f"{seed}/{one.name}/noise")  # noqa: S311 - a sample, not a secret
    source = one.source

    def clean(side: int | str) -> str:
        return side_text(side, source.catalogue, source.form)

    def noisy(side: int | str) -> str:
        form = noise.form(source.form, draw) if isinstance(side, int) else source.form
        return side_text(side, source.catalogue, form) or clean(side)

    first = [pair.a for pair in drawn] if typed is None else typed
    anchors = [noisy(a) if isinstance(a, int) else noise.query(a, draw) for a in first]
    return PairTable(
        one.name,
        one.kind,
        one.graded,
        tuple(anchors),
        tuple(noisy(pair.b) for pair in drawn),
        np.array([pair.label for pair in drawn], dtype=np.float64),
        np.array([sides.number(pair.a) for pair in drawn], dtype=np.int64),
        np.array([sides.number(pair.b) for pair in drawn], dtype=np.int64),
        np.array([texts.row("query", clean(pair.a)) for pair in drawn], dtype=np.int64),
        np.array([texts.row("document", clean(pair.b)) for pair in drawn], dtype=np.int64),
    )
