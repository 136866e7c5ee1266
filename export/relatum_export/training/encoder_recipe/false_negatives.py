"""Which negatives of a batch are none: they belong to the anchor after all."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relatum_export.training.encoder_recipe.tables import KnownPairs, PairTable
from relatum_export.training.settings import TrainSettings


@dataclass(frozen=True, slots=True)
class Guide:
    """What the frozen base thinks of the run's clean texts.

    Attributes:
        vectors: rows of length 1, float32 [texts, d].
        relative: whether the margin is a share of the partner's similarity.
        margin: how much nearer than the partner a negative may not be.
        floor: a negative less similar than this stays one.
    """

    vectors: NDArray[np.float32]
    relative: bool
    margin: float
    floor: float

    @classmethod
    def of(cls, settings: TrainSettings, vectors: NDArray[np.float32]) -> "Guide":
        """As the settings want it."""
        relative = settings.guide == "relative"
        return cls(vectors, relative, settings.guide_margin, settings.guide_floor)

    def nearer(
        self, similarity: NDArray[np.float32], partner: NDArray[np.float32]
    ) -> NDArray[np.bool_]:
        """Which are nearer than the partner: similarities [n, m], the partner's [n], bool [n, m].

        **Source**: Solatorio 2024, "GISTEmbed", section 3; the margin as in NV-Retriever (Moreira
        et al. 2024), section 4.
        """
        margin = np.abs(partner) * self.margin if self.relative else self.margin
        limit = np.maximum(partner - margin, self.floor)
        found: NDArray[np.bool_] = similarity > limit[:, None]
        return found


@dataclass(frozen=True, slots=True)
class FalseNegatives:
    """Masks for the batches of one table.

    Attributes:
        table: the pairs.
        known: all pairs of the corpus that belong together.
        guide: the base's opinion, or None.
    """

    table: PairTable
    known: KnownPairs
    guide: Guide | None

    def masks(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """For a batch of these rows: (anchor x positive, positive x anchor), True where masked.

        Masked are equal sides or members of one group, known pairs, and what the guide finds nearer
        than the partner; never the partner itself.

        Args:
            rows: int64 [n] of the table.
        """
        a, b = self.table.anchor_ids[rows], self.table.positive_ids[rows]
        known = self.known.among(a, b)
        forward = known | (b[:, None] == b[None, :]) | (a[:, None] == b[None, :])
        backward = known.T | (a[:, None] == a[None, :]) | (b[:, None] == a[None, :])
        if self.guide is not None:
            anchors = self.guide.vectors[self.table.anchor_texts[rows]]
            positives = self.guide.vectors[self.table.positive_texts[rows]]
            similarity = anchors @ positives.T
            partner = np.diagonal(similarity)
            forward |= self.guide.nearer(similarity, partner)
            backward |= self.guide.nearer(similarity.T, partner)
        np.fill_diagonal(forward, False)
        np.fill_diagonal(backward, False)
        return forward, backward
