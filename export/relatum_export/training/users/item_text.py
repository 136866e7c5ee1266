"""The catalogue's text vectors by a frozen encoder."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relatum_export.artifact.identity import encoder_id
from relatum_export.console import Reporter
from relatum_export.corpus.folder import Corpus
from relatum_export.errors import InputError
from relatum_export.evaluation.encoding import quick_torch
from relatum_export.training.bases import form_to_json
from relatum_export.training.encoder import TorchEncoder
from relatum_export.training.products import Catalogue
from relatum_export.training.text_choice import shop_form


@dataclass(frozen=True, slots=True)
class ItemText:
    """The catalogue as a frozen encoder sees it.

    Attributes:
        encoder: its name.
        encoder_id: hash over all that its vectors depend on.
        text_form: how products became text, as a run stores it.
        vectors: by item id, float32 [text dimension]; zeros where an item has no text.
    """

    encoder: str
    encoder_id: str
    text_form: Mapping[str, Any]
    vectors: Mapping[str, NDArray[np.float32]]

    def of(self, items: tuple[str, ...]) -> NDArray[np.float32]:
        """Float32 [items, text dimension]."""
        return np.stack([self.vectors[item] for item in items])


def read_item_text(
    corpus: Corpus, encoder: str, cache: Path | None, reporter: Reporter
) -> ItemText:
    """Encode the catalogue in the form that the encoder's run chose, or that valid chooses.

    Args:
        corpus: with items.
        encoder: a run, minilm, e5, a hub id or a folder.
        cache: where vectors are kept between calls, or None.
        reporter: for progress.

    Raises:
        InputError: the corpus has no items, or there is no such encoder.
    """
    if not corpus.has("items"):
        raise InputError(f"corpus {corpus.path} has no items; `train users` ranks items")
    loaded = TorchEncoder.load(encoder)
    catalogue = Catalogue.read(corpus)
    cached = quick_torch(loaded, cache, reporter)
    form = shop_form(cached, corpus, catalogue).form
    vectors = cached.encode(catalogue.texts(form), kind="document")
    return ItemText(
        loaded.base.name,
        encoder_id(loaded.module, loaded.text_input, form),
        form_to_json(form),
        dict(zip(catalogue.ids, vectors, strict=True)),
    )
