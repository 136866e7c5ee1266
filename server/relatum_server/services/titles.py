"""What the words of products' titles add beside their vectors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from relatum_server.domain import EvidenceKind
from relatum_server.index.base import Keys, Mask, WordProfile, WordSpace
from relatum_server.ranking.explanation import Contribution
from relatum_server.services.live import LiveCatalogue


@dataclass(frozen=True, slots=True)
class Titles:
    """The titles that a list is asked with.

    Attributes:
        space: of the catalogue's titles.
        profile: of the products asked with.
        weight: of the similarity, beside each 1 of the cosine.
    """

    space: WordSpace
    profile: WordProfile
    weight: float

    @classmethod
    def of(
        cls, live: LiveCatalogue, positives: Sequence[int], negatives: Sequence[int], weight: float
    ) -> Self | None:
        """The titles of these products; None where words count nothing or there are none."""
        space = live.lexical.titles
        if space is None or weight == 0:
            return None
        profile = space.profile_of(positives, negatives)
        return None if profile is None else cls(space, profile, weight)

    def nearest(self, k: int, allowed: Mask | None) -> Keys:
        """The products most alike by words."""
        return self.space.search(self.profile, k, allowed=allowed).keys

    def part(self, keys: Keys, text_weight: float = 1.0) -> Contribution:
        """What words add to these, beside a cosine of that weight."""
        scores = self.space.scores(self.profile, keys)
        return Contribution(EvidenceKind.LEXICAL, text_weight * self.weight * scores)
