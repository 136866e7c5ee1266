"""`train answers`, from the questions of a corpus to the finished run."""

import importlib.metadata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from relatum_export.artifact.identity import encoder_id
from relatum_export.console import Reporter
from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.text import TextForm
from relatum_export.evaluation.encoding import quick_torch
from relatum_export.evaluation.metrics import top_k
from relatum_export.training.answer_head.data import AnswerData, Asked
from relatum_export.training.answer_head.fitting import fit_head
from relatum_export.training.answer_head.head import AnswerHead
from relatum_export.training.answer_head.saved import SavedAnswers, save
from relatum_export.training.answer_head.settings import AnswerSettings
from relatum_export.training.bases import Base, form_to_json
from relatum_export.training.encoder import TorchEncoder, load_sentence_transformer
from relatum_export.training.products import Catalogue
from relatum_export.training.run import prepare_folder
from relatum_export.training.text_choice import shop_form

ANSWERS_FORMAT = "relatum-answers"
DEPTH = 10
_PACKAGES = ("torch", "numpy", "tokenizers")


def train_answers(
    corpus: Corpus,
    base: Base,
    out: Path,
    settings: AnswerSettings,
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
    encoder = TorchEncoder.wrap(base, load_sentence_transformer(base))
    quick = quick_torch(encoder, cache, reporter)
    catalogue = Catalogue.read(corpus) if corpus.has("items") else Catalogue((), ())
    # The artifact's identity covers how products become text, which questions never are.
    form = shop_form(quick, corpus, catalogue).form
    data = AnswerData.read(corpus, quick)
    reporter.info(
        f"{len(data.train.right):,} train questions, {len(data.train.replies):,} replies, "
        f"{len(data.valid.right):,} valid questions"
    )
    identity = encoder_id(encoder.module, encoder.text_input, form)
    config = _configuration(corpus, base, form, settings, identity)
    prepare_folder(out, config, resume=resume)
    head, curve = fit_head(data, settings, out, reporter)
    before = found(data.valid, data.valid.questions, data.valid.replies)
    after = found(data.valid, *moved(head, data.valid))
    gain, error = float((after - before).mean()), standard_error(after - before)
    helps = error is not None and gain > error
    metrics = {
        "encoder": base.name,
        "encoder_id": identity,
        "train_questions": len(data.train.right),
        "train_replies": len(data.train.replies),
        "valid": {
            "R@10": float(after.mean()),
            "R@10/encoder": float(before.mean()),
            "gain": gain,
            "standard_error": error,
        },
        "helps": helps,
        "curve": curve,
    }
    description = {name: metrics[name] for name in ("encoder", "encoder_id", "helps")}
    description["questions"] = len(data.train.right)
    save(out, SavedAnswers(head, description), metrics)
    return metrics


def moved(head: AnswerHead, asked: Asked) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Questions and replies in the head's space, float32 [n, members x d] each."""
    with torch.inference_mode():
        questions = head.side("question").eval()(torch.from_numpy(asked.questions)).numpy()
        replies = head.side("passage").eval()(torch.from_numpy(asked.replies)).numpy()
    return questions, replies


def found(
    asked: Asked, questions: NDArray[np.float32], replies: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Whether each question's reply is among its ten nearest, 0 or 1, float64 [questions]."""
    scores = questions @ replies.T
    hits = [one in top_k(row, DEPTH) for one, row in zip(asked.right, scores, strict=True)]
    return np.array(hits, np.float64)


def standard_error(differences: NDArray[np.float64]) -> float | None:
    """Of a mean of paired differences; None of a single one, which has no spread."""
    if len(differences) < 2:  # noqa: PLR2004
        return None
    return float(differences.std(ddof=1) / len(differences) ** 0.5)


def _configuration(
    corpus: Corpus, base: Base, form: TextForm, settings: AnswerSettings, identity: str
) -> Mapping[str, Any]:
    """All that a run's result depends on, and the versions that made it."""
    return {
        "format": ANSWERS_FORMAT,
        "encoder": base.name,
        "encoder_id": identity,
        "text_form": form_to_json(form),
        "settings": settings.model_dump(mode="json"),
        "corpora": [corpus.name],
        "data_sha256": corpus.fingerprint,
        "versions": {name: importlib.metadata.version(name) for name in _PACKAGES},
    }
