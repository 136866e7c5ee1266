"""What counts beside an artifact's vectors: words, then a reranker, each weighed on judgements."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from relatum.artifact.v1 import manifest_pb2
from relatum_export.artifact.answer_space import AnswerSpace
from relatum_export.artifact.onnx_encoder import OnnxEncoder
from relatum_export.artifact.reranker_part import write_reranker
from relatum_export.artifact.word_part import write_words
from relatum_export.console import Reporter
from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.text import TextForm
from relatum_export.evaluation.encoding import CachedEncoder
from relatum_export.evaluation.rows import OWN
from relatum_export.training.cross_encoder import TorchCrossEncoder
from relatum_export.training.products import Catalogue

WEIGHED_WITH = ("int8", "fp32")  # the precision that is served by default first


def write_beside_vectors(
    corpus: Corpus,
    catalogue: Catalogue,
    encoders: Mapping[str, OnnxEncoder],
    reranker: TorchCrossEncoder | None,
    *,
    form: TextForm,
    folder: Path,
    manifest: manifest_pb2.Manifest,
    reporter: Reporter,
) -> dict[str, Any]:
    """Write both parts and name them in the manifest.

    Args:
        corpus: the shop.
        catalogue: its products.
        encoders: variants of the encoder by precision.
        reranker: None for an artifact without.
        form: how products become text.
        folder: of the artifact.
        manifest: has the answer head, if there is one; is completed.
        reporter: is told what was chosen.

    Returns:
        What was measured, for `metrics.json`.

    Raises:
        InputError: see ``write_reranker``.
        QualityError: a graph of the reranker differs from PyTorch.
    """
    cached = [CachedEncoder(encoders[p], "", None, OWN, reporter) for p in WEIGHED_WITH]
    choices = write_words(
        corpus,
        catalogue,
        cached,
        answers=AnswerSpace.read(folder, manifest),
        form=form,
        folder=folder,
        manifest=manifest,
        reporter=reporter,
    )
    metrics: dict[str, Any] = {"words": [found.metrics() for found in choices]}
    if reranker is not None:
        metrics["reranker"] = write_reranker(
            corpus,
            catalogue,
            reranker,
            cached,
            form=form,
            folder=folder,
            manifest=manifest,
            reporter=reporter,
        )
    return metrics
