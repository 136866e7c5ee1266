"""Training an association head on corpora, from the labels to the finished run."""

import hashlib
import importlib.metadata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from relatum_export.artifact.identity import encoder_id
from relatum_export.console import Reporter
from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.text import FORMS, FULL, TextForm
from relatum_export.errors import InputError
from relatum_export.evaluation.encoding import CachedEncoder
from relatum_export.training.association_head.data import (
    PairData,
    feature_names,
    read_pair_data,
)
from relatum_export.training.association_head.fit import PairTable, fit_head, head_logits
from relatum_export.training.association_head.judging import measured
from relatum_export.training.association_head.saved import SavedHead, save
from relatum_export.training.association_head.settings import PairSettings
from relatum_export.training.bases import RUN_FORMAT, form_to_json
from relatum_export.training.encoder import TorchEncoder
from relatum_export.training.judged import JudgedSplit
from relatum_export.training.products import Catalogue
from relatum_export.training.run import prepare_folder
from relatum_export.training.text_choice import choose_form

AUTO = "auto"
_PACKAGES = ("torch", "numpy", "scipy", "scikit-learn", "tokenizers")


@dataclass(frozen=True, slots=True)
class PairEncoder:
    """The encoder that a head stands on.

    Attributes:
        encoder: in PyTorch.
        form: how products become text.
        cache: where vectors are kept; None keeps them in memory alone.
    """

    encoder: TorchEncoder
    form: TextForm
    cache: Path | None

    @classmethod
    def of(
        cls,
        encoder: TorchEncoder,
        corpus: Corpus,
        catalogue: Catalogue,
        wanted: str,
        cache: Path | None,
    ) -> "PairEncoder":
        """With the encoder's own text form, else the wanted one, else what valid's search chooses.

        Raises:
            InputError: the encoder has another form than the wanted one.
        """
        form = encoder.text_form
        if form is not None and wanted not in (AUTO, form.name):
            raise InputError(
                f"text_form is {wanted}, and the encoder was trained on {form.name}; leave "
                "text_form out"
            )
        if form is None and wanted != AUTO:
            form = FORMS[wanted]
        if form is None:
            valid = JudgedSplit.read(corpus, catalogue, "valid")
            form = choose_form(encoder, catalogue, valid).form
        return cls(encoder, form, cache)

    @property
    def identity(self) -> str:
        """As in the manifest of an artifact with this encoder and form."""
        return encoder_id(self.encoder.module, self.encoder.text_input, self.form)

    def vectors(self, catalogues: Sequence[Catalogue], reporter: Reporter) -> NDArray[np.float32]:
        """Of all products in order, float32 [products, d]."""
        identity = encoder_id(self.encoder.module, self.encoder.text_input, FULL)
        name = self.encoder.base.name
        cached = CachedEncoder(self.encoder, f"torch-{identity}", self.cache, name, reporter)
        texts = [text for catalogue in catalogues for text in catalogue.texts(self.form)]
        return cached.encode(texts, kind="document")


def train_pairs(
    corpora: Sequence[Corpus],
    encoder: TorchEncoder,
    out: Path,
    settings: PairSettings,
    reporter: Reporter,
    *,
    resume: bool,
    cache: Path | None,
) -> dict[str, Any]:
    """Fit a head and write the run folder.

    Returns:
        The contents of the run's `metrics.json`.

    Raises:
        InputError: nothing to learn from, or ``out`` holds something else.
    """
    catalogues = [Catalogue.read(corpus) for corpus in corpora]
    stands_on = PairEncoder.of(encoder, corpora[0], catalogues[0], settings.text_form, cache)
    vectors = stands_on.vectors(catalogues, reporter)
    data = read_pair_data(corpora, catalogues, vectors, settings)
    train_pairs_of, valid_pairs_of = data.of_split("train"), data.of_split("valid")
    reporter.info(f"{len(train_pairs_of):,} train and {len(valid_pairs_of):,} valid pairs")
    prepare_folder(out, _configuration(corpora, stands_on, settings), resume=resume)
    train = data.table(train_pairs_of, vectors, lexical=settings.lexical)
    valid = data.table(valid_pairs_of, vectors, lexical=settings.lexical)
    head, curve = fit_head(train, valid, settings, out, reporter)
    logits = head_logits(head, valid)
    temperature = float(head.temperature)
    per_corpus = _per_corpus(data, valid, logits, temperature)
    metrics: dict[str, Any] = {
        "encoder": encoder.base.name,
        "encoder_id": stands_on.identity,
        "text_form": stands_on.form.name,
        "classes_trained": head.classes_trained(),
        "label_sources": train_pairs_of.source_counts(),
        "valid_label_sources": valid_pairs_of.source_counts(),
        "temperature": temperature,
        "valid": per_corpus,
        "curve": curve,
    }
    description = {
        "encoder": encoder.base.name,
        "encoder_id": stands_on.identity,
        "features": feature_names(settings),
        "same_thresholds": _thresholds(per_corpus),
        "label_sources": metrics["label_sources"],
    }
    save(out, SavedHead(head, data.lexical.weights, description), metrics)
    return metrics


def _per_corpus(
    data: PairData, valid: PairTable, logits: NDArray[np.float32], temperature: float
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    start = 0
    for corpus, pairs in zip(data.corpora, data.pairs, strict=True):
        rows = slice(start, start + len(pairs["valid"]))
        start = rows.stop
        found[corpus.name] = measured(
            pairs["valid"],
            softmax(logits[rows], axis=1),
            softmax(logits[rows] / temperature, axis=1),
        )
    return found


def _thresholds(per_corpus: dict[str, Any]) -> dict[str, float]:
    found: dict[str, float] = {}
    for measures in per_corpus.values():
        found |= measures.get("same_product", {}).get("thresholds", {})
    return found


def _configuration(
    corpora: Sequence[Corpus], stands_on: PairEncoder, settings: PairSettings
) -> dict[str, Any]:
    """All that a run's result depends on, and the versions that made it."""
    data = hashlib.sha256("\n".join(corpus.fingerprint for corpus in corpora).encode())
    return {
        "format": RUN_FORMAT,
        "step": "pairs",
        "encoder": stands_on.encoder.base.name,
        "encoder_id": stands_on.identity,
        "text_form": form_to_json(stands_on.form),
        "settings": settings.model_dump(mode="json"),
        "corpora": [corpus.name for corpus in corpora],
        "data_sha256": data.hexdigest(),
        "versions": {name: importlib.metadata.version(name) for name in _PACKAGES},
    }
