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
        hard: rows of each pair's hard negatives, int64 [n, count]; count may be 0.
    """

    table: PairTable
    known: KnownPairs
    guide: Guide | None
    hard: NDArray[np.int64]

    def masks(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """For a batch of these rows: (anchor x candidate, positive x anchor), True where masked.

        Candidates are the batch's second sides, then the first hard negative of each row, then the
        second of each. Masked are equal sides or members of one group, known pairs, and what the
        guide finds nearer than the partner; never the partner itself.

        Args:
            rows: int64 [n] of the table.
        """
        candidates = np.concatenate([rows, *self.hard[rows].T])
        a, b = self.table.anchor_ids[rows], self.table.positive_ids[rows]
        c = self.table.positive_ids[candidates]
        forward = self.known.among(a, c) | (b[:, None] == c[None, :]) | (a[:, None] == c[None, :])
        backward = self.known.among(b, a) | (a[:, None] == a[None, :]) | (b[:, None] == a[None, :])
        if self.guide is not None:
            anchors = self.guide.vectors[self.table.anchor_texts[rows]]
            similarity = anchors @ self.guide.vectors[self.table.positive_texts[candidates]].T
            partner = np.diagonal(similarity)
            forward |= self.guide.nearer(similarity, partner)
            backward |= self.guide.nearer(similarity[:, : len(rows)].T, partner)
        each = np.arange(len(rows))
        forward[each, each] = backward[each, each] = False
        return forward, backward
