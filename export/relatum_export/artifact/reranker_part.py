"""The reranker of an artifact: written, weighed, and left out where nothing asks for it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from relatum.artifact.v1 import manifest_pb2
from relatum_export.artifact.answer_space import AnswerSpace
from relatum_export.artifact.reranker import add_reranker, remove_reranker
from relatum_export.artifact.reranker_choice import choose, judged_pairs
from relatum_export.artifact.words import Words
from relatum_export.console import Reporter
from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.text import TextForm
from relatum_export.errors import InputError
from relatum_export.evaluation.encoding import CachedEncoder
from relatum_export.evaluation.reranking import Reranking
from relatum_export.evaluation.rows import OWN
from relatum_export.evaluation.systems import EncoderSystem
from relatum_export.training.cross_encoder import Pair, TorchCrossEncoder
from relatum_export.training.products import Catalogue


def write_reranker(
    corpus: Corpus,
    catalogue: Catalogue,
    reranker: TorchCrossEncoder,
    encoders: Sequence[CachedEncoder],
    *,
    form: TextForm,
    folder: Path,
    manifest: manifest_pb2.Manifest,
    reporter: Reporter,
) -> dict[str, Any]:
    """Write the part with the weights that the shop's judgements ask for.

    Args:
        corpus: the shop.
        catalogue: its products.
        reranker: the reference of the graphs.
        encoders: variants of the encoder, the one served by default first.
        form: how products become text.
        folder: of the artifact.
        manifest: has the words with their weights; is completed.
        reporter: is told what was chosen.

    Returns:
        What the export measured and chose.

    Raises:
        InputError: the shop has judged nothing that a reranker reads.
        QualityError: a graph differs from PyTorch.
    """
    pairs = pairs_to_weigh_by(corpus, catalogue, form)
    reporter.info("reranker: PyTorch to ONNX, fused, int8, fp16")
    graphs, measured = add_reranker(reranker, pairs, folder, manifest)
    words, answers = Words.read(folder, manifest), AnswerSpace.read(folder, manifest)
    systems = [
        EncoderSystem(OWN, encoder, (form,), words=words, answers=answers) for encoder in encoders
    ]
    choices = choose(corpus, catalogue, systems, Reranking(graphs["int8"], {}))
    reporter.info(f"reranker: {'; '.join(str(found) for found in choices)}")
    measured["weights"] = [found.metrics() for found in choices]
    weights: Mapping[str, float] = {found.use: found.weight for found in choices}
    if not any(weights.values()):
        remove_reranker(folder, manifest)
        measured["left_out"] = "the shop's judgements found it no better than vectors and words"
        return measured
    for reading, weight in weights.items():
        setattr(manifest.reranker, reading, weight)
    return measured


def pairs_to_weigh_by(corpus: Corpus, catalogue: Catalogue, form: TextForm) -> list[Pair]:
    """What the shop judged, query and text.

    Raises:
        InputError: nothing that a reranker reads.
    """
    pairs = judged_pairs(corpus, catalogue, form)
    if not pairs:
        raise InputError(
            f"--reranker: corpus {corpus.name} has no judged queries or passages in train and "
            "valid, by which its weight is chosen; leave it out"
        )
    return pairs
