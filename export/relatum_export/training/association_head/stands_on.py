"""The encoder that a head stands on: its text form, its identity, its vectors, its own run."""

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer

from relatum_export.artifact.identity import encoder_id
from relatum_export.console import Reporter
from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.text import FORMS, TextForm
from relatum_export.errors import InputError
from relatum_export.evaluation.encoding import quick_torch
from relatum_export.training.bases import RUN_FORMAT, Base, form_to_json
from relatum_export.training.encoder import TorchEncoder, load_sentence_transformer
from relatum_export.training.products import Catalogue
from relatum_export.training.run import CONFIG, MODEL
from relatum_export.training.text_choice import shop_form

AUTO = "auto"
ENCODER = "encoder"  # the folder, in a joint run, of the encoder that it made


@dataclass(frozen=True, slots=True)
class PairEncoder:
    """An encoder with its text form.

    Attributes:
        base: what it was loaded from.
        model: as sentence-transformers loads and saves it; shares its weights with ``encoder``.
        encoder: in PyTorch.
        form: how products become text.
        cache: where vectors are kept; None keeps them in memory alone.
    """

    base: Base
    model: SentenceTransformer
    encoder: TorchEncoder
    form: TextForm
    cache: Path | None

    @classmethod
    def load(
        cls,
        base: Base,
        corpus: Corpus,
        catalogue: Catalogue,
        wanted: str,
        *,
        cache: Path | None,
        reporter: Reporter,
    ) -> "PairEncoder":
        """With the encoder's own text form, else the wanted one, else what valid chooses.

        Raises:
            InputError: the encoder has another form than the wanted one, or cannot be loaded.
        """
        form = base.text_form
        if form is not None and wanted not in (AUTO, form.name):
            raise InputError(
                f"text_form is {wanted}, and the encoder was trained on {form.name}; leave "
                "text_form out"
            )
        model = load_sentence_transformer(base)
        encoder = TorchEncoder.wrap(base, model)
        if form is None and wanted != AUTO:
            form = FORMS[wanted]
        if form is None:
            form = shop_form(quick_torch(encoder, cache, reporter), corpus, catalogue).form
        return cls(base, model, encoder, form, cache)

    @property
    def identity(self) -> str:
        """As in the manifest of an artifact with this encoder and form."""
        return encoder_id(self.encoder.module, self.encoder.text_input, self.form)

    def texts(self, catalogues: Sequence[Catalogue]) -> list[str]:
        """Of all products in order."""
        return [text for catalogue in catalogues for text in catalogue.texts(self.form)]

    def vectors(self, catalogues: Sequence[Catalogue], reporter: Reporter) -> NDArray[np.float32]:
        """Of all products in order, float32 [products, d]."""
        cached = quick_torch(self.encoder, self.cache, reporter)
        return cached.encode(self.texts(catalogues), kind="document")

    def save(self, out: Path, corpora: Sequence[Corpus], beside: Mapping[str, Any]) -> None:
        """Write the encoder as a run of its own, which other commands take as --encoder.

        Args:
            out: appears whole.
            corpora: that it was trained on.
            beside: JSON files to put beside the model, by name.
        """
        building = out.with_name(f".{out.name}")
        shutil.rmtree(building, ignore_errors=True)
        building.mkdir(parents=True)
        data = hashlib.sha256("\n".join(corpus.fingerprint for corpus in corpora).encode())
        config: dict[str, Any] = {
            "format": RUN_FORMAT,
            "base": self.base.name,
            "query_prefix": self.base.query_prefix,
            "document_prefix": self.base.document_prefix,
            "text_form": form_to_json(self.form),
            "corpora": [corpus.name for corpus in corpora],
            "data_sha256": data.hexdigest(),
        }
        (building / CONFIG).write_text(
            json.dumps(config, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
        )
        for name, content in beside.items():
            (building / name).write_text(json.dumps(content), encoding="utf-8")
        self.model.save_pretrained(
            str(building / MODEL), create_model_card=False, safe_serialization=True
        )
        building.rename(out)
