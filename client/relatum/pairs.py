"""What ScoreAssociations takes and returns: frozen values, free of protobuf."""

from collections.abc import Mapping
from dataclasses import dataclass

from relatum.types import Evidence


@dataclass(frozen=True, slots=True)
class Text:
    """A text in the place of a product; it is taken for a title."""

    text: str


Side = str | Text
"""A product's id, or a text."""


@dataclass(frozen=True, slots=True)
class AssociationScore:
    """What the second product of a pair is to the first.

    Attributes:
        probabilities: Of "UNRELATED", "SAME", "SUBSTITUTE" and "COMPLEMENT", most probable first,
            without those that the model did not learn; empty where the catalogue lacks one of the
            two, or where one has no text.
        evidence: Facts beside them; a contribution is the fact's own value.
    """

    probabilities: Mapping[str, float]
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class AssociationScores:
    """One score a pair, in order, and the ids that the catalogue does not have."""

    scores: tuple[AssociationScore, ...]
    revision: int = 0
    model_id: str = ""
    missing_product_ids: tuple[str, ...] = ()
