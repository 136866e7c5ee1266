"""What is known of the base before training.

It is kept in the run folder, so that a resumed run need not measure it again.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from relatum_export.atomic_file import replacing, write_text
from relatum_export.corpus.text import FORMS
from relatum_export.training.encoder import TextEncoder
from relatum_export.training.encoder_recipe.sources import Source
from relatum_export.training.encoder_recipe.tables import RunTexts

FILE = "base.json"
VECTORS = "base_vectors.npy"


@dataclass(frozen=True, slots=True)
class BaseRecord:
    """The base on valid.

    Attributes:
        forms: name of the form chosen for each corpus.
        scores: the figure of each form tried, by corpus.
        figures: each part of the validation by its name, under the forms chosen.
    """

    forms: Mapping[str, str]
    scores: Mapping[str, Mapping[str, float]]
    figures: Mapping[str, float]

    def write(self, folder: Path) -> None:
        """Keep it in the run folder."""
        data = {"forms": self.forms, "scores": self.scores, "figures": self.figures}
        write_text(folder / FILE, json.dumps(data, indent=2) + "\n")

    @classmethod
    def read(cls, folder: Path) -> "BaseRecord | None":
        """What an earlier part of the run kept, or None."""
        file = folder / FILE
        if not file.is_file():
            return None
        return cls(**json.loads(file.read_text(encoding="utf-8")))

    def formed(self, sources: Sequence[Source]) -> list[Source]:
        """The sources with the forms chosen for them."""
        return [replace(source, form=FORMS[self.forms[source.name]]) for source in sources]


def base_vectors(texts: RunTexts, encoder: TextEncoder, folder: Path) -> NDArray[np.float32]:
    """The base's vectors of the run's clean texts, float32 [texts, d], to the precision of halves.

    Args:
        texts: of the run.
        encoder: the base.
        folder: where they are kept for a resumed run.
    """
    file = folder / VECTORS
    if not file.is_file():
        found = texts.encode(encoder).astype(np.float16)
        with replacing(file) as part, part.open("wb") as stream:
            np.save(stream, found, allow_pickle=False)
    vectors: NDArray[np.float32] = np.load(file, allow_pickle=False).astype(np.float32)
    return vectors
