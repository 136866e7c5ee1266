"""Training an association head on corpora, from the labels to the finished run."""

import hashlib
import importlib.metadata
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from relatum_export.console import Reporter
from relatum_export.corpus.folder import Corpus
from relatum_export.training.association_head.data import (
    PairData,
    feature_names,
    read_pair_data,
)
from relatum_export.training.association_head.fit import fit_head, head_logits
from relatum_export.training.association_head.joint import JointFit
from relatum_export.training.association_head.judging import measured
from relatum_export.training.association_head.member import PairTable
from relatum_export.training.association_head.products import relevant
from relatum_export.training.association_head.saved import SavedHead, save
from relatum_export.training.association_head.settings import PairSettings
from relatum_export.training.association_head.stands_on import AUTO, ENCODER, PairEncoder
from relatum_export.training.bases import Base, form_to_json, resolve
from relatum_export.training.products import Catalogue
from relatum_export.training.run import prepare_folder

PAIRS_FORMAT = "relatum-pairs"
CURVE = "curve.json"
PARTS = ("vectors and features", "features alone", "trees")
_PACKAGES = ("torch", "numpy", "scipy", "scikit-learn", "tokenizers")


def train_pairs(
    corpora: Sequence[Corpus],
    base: Base,
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
    stands_on = PairEncoder.load(
        base, corpora[0], catalogues[0], settings.text_form, cache=cache, reporter=reporter
    )
    catalogues = [relevant(c, k) for c, k in zip(corpora, catalogues, strict=True)]
    vectors = stands_on.vectors(catalogues, reporter)
    data = read_pair_data(corpora, catalogues, vectors, settings)
    train_pairs_of, valid_pairs_of = data.of_split("train"), data.of_split("valid")
    reporter.info(f"{len(train_pairs_of):,} train and {len(valid_pairs_of):,} valid pairs")
    prepare_folder(out, _configuration(corpora, stands_on, settings), resume=resume)
    train = data.table(train_pairs_of, vectors, lexical=settings.lexical)
    valid = data.table(valid_pairs_of, vectors, lexical=settings.lexical)
    joint_curve: list[dict[str, float]] = []
    if settings.joint:
        stands_on, joint_curve = _tuned(
            stands_on, data, train, valid, settings=settings, out=out, reporter=reporter
        )
        vectors = stands_on.vectors(catalogues, reporter)
        train, valid = replace(train, vectors=vectors), replace(valid, vectors=vectors)
    head, curve = fit_head(train, valid, settings, out, reporter)
    logits = head_logits(head, valid)
    temperature = float(head.temperature)
    per_corpus = _per_corpus(data, valid, logits, temperature)
    metrics: dict[str, Any] = {
        "encoder": base.name,
        "encoder_id": stands_on.identity,
        "text_form": stands_on.form.name,
        "classes_trained": head.classes_trained(),
        "label_sources": train_pairs_of.source_counts(),
        "valid_label_sources": valid_pairs_of.source_counts(),
        "temperature": temperature,
        "shares": dict(zip(PARTS, map(float, head.shares), strict=True)),
        "valid": per_corpus,
        "curve": curve,
        "joint_curve": joint_curve,
    }
    description = {
        "encoder": base.name,
        "encoder_id": stands_on.identity,
        "features": feature_names(settings),
        "same_thresholds": _thresholds(per_corpus),
        "label_sources": metrics["label_sources"],
    }
    save(out, SavedHead(head, data.lexical.weights, description), metrics)
    return metrics


def _tuned(
    stands_on: PairEncoder,
    data: PairData,
    train: PairTable,
    valid: PairTable,
    *,
    settings: PairSettings,
    out: Path,
    reporter: Reporter,
) -> tuple[PairEncoder, list[dict[str, float]]]:
    """The encoder after joint training, kept in the run; one that is kept already is loaded."""
    folder = out / ENCODER
    curve_file = folder / CURVE
    if not curve_file.is_file():
        fit = JointFit(
            stands_on.encoder,
            stands_on.texts(data.catalogues),
            train,
            valid,
            settings=settings,
            folder=out,
            reporter=reporter,
        )
        curve = fit.run()
        stands_on.save(folder, data.corpora, {CURVE: curve})
        return stands_on, curve
    tuned = PairEncoder.load(
        resolve(str(folder)),
        data.corpora[0],
        data.catalogues[0],
        AUTO,
        cache=stands_on.cache,
        reporter=reporter,
    )
    return tuned, json.loads(curve_file.read_text(encoding="utf-8"))


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
        "format": PAIRS_FORMAT,
        "encoder": stands_on.base.name,
        "encoder_id": stands_on.identity,
        "text_form": form_to_json(stands_on.form),
        "settings": settings.model_dump(mode="json"),
        "corpora": [corpus.name for corpus in corpora],
        "data_sha256": data.hexdigest(),
        "versions": {name: importlib.metadata.version(name) for name in _PACKAGES},
    }
