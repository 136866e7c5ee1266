"""The systems that are compared, named as in the rows, and what they rank with."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from relatum.artifact.v1 import manifest_pb2
from relatum_export.artifact.answer_space import AnswerSpace
from relatum_export.artifact.behaviour import IDS, VECTORS
from relatum_export.artifact.identity import encoder_id
from relatum_export.artifact.onnx_encoder import OnnxEncoder, read_manifest
from relatum_export.artifact.onnx_reranker import OnnxReranker, weights_of
from relatum_export.artifact.words import Words
from relatum_export.console import Reporter
from relatum_export.corpus.text import FORMS, TITLE, TextForm
from relatum_export.errors import InputError
from relatum_export.evaluation.bm25 import Bm25System
from relatum_export.evaluation.encoding import CachedEncoder, cached_torch, quick_torch
from relatum_export.evaluation.reranking import Reranking
from relatum_export.evaluation.rows import TEXT_ALONE, ZERO_SHOT
from relatum_export.training.cross_encoder import TorchCrossEncoder
from relatum_export.training.encoder import TorchEncoder

TORCH = "relatum-torch"
HEAD_SYSTEMS = (
    TORCH,
    TEXT_ALONE,
    "relatum",
    "relatum-fp32",
    "relatum-fp16",
)  # the artifact's own encoder
VARIANT_SYSTEMS = {"relatum": "int8", "relatum-fp32": "fp32", "relatum-fp16": "fp16"}
PRECISIONS = tuple(VARIANT_SYSTEMS.values())
SERVED = VARIANT_SYSTEMS["relatum"]


@dataclass(frozen=True, slots=True)
class EncoderSystem:
    """An encoder with the forms of product text that it may choose from on valid.

    Attributes:
        name: as in the rows.
        encoder: the vectors.
        forms: one form where it is given, several where valid chooses.
        whole_corpus: False for variants that are measured for agreement with PyTorch alone.
        words: what the artifact adds to cosines; None for vectors alone.
        answers: where the artifact compares questions and passages; None for the encoder's space.
        reranking: what reads query and text together; None for nothing.
    """

    name: str
    encoder: CachedEncoder
    forms: tuple[TextForm, ...]
    whole_corpus: bool = True
    words: Words | None = None
    answers: AnswerSpace | None = None
    reranking: Reranking | None = None

    def scores(
        self, queries: Sequence[str], documents: Sequence[str], *, products: bool
    ) -> NDArray[np.float32]:
        """Cosine of each query and document, without words."""
        kind = "document" if products else "query"
        left = self.encoder.encode(queries, kind=kind)  # type: ignore[arg-type]
        result: NDArray[np.float32] = left @ self.encoder.encode(documents, kind="document").T
        return result

    def answer_scores(
        self, questions: Sequence[str], passages: Sequence[str]
    ) -> NDArray[np.float32]:
        """How well each passage answers each question, without words."""
        if self.answers is None:
            return self.scores(questions, passages, products=False)
        asked = self.answers.questions(self.encoder.encode(questions, kind="query"))
        result: NDArray[np.float32] = (
            asked @ self.answers.passages(self.encoder.encode(passages, kind="document")).T
        )
        return result


@dataclass(frozen=True, slots=True)
class BehaviourSpace:
    """The artifact's behaviour vectors.

    Attributes:
        item_ids: one a row.
        vectors: float32 [items, d], rows of length 1.
        ridge: from text vectors into the space, for the other products, float32 [text dimension +
            1, d]; None where the artifact has no map.
    """

    item_ids: tuple[str, ...]
    vectors: NDArray[np.float32]
    ridge: NDArray[np.float32] | None = None

    @classmethod
    def read(cls, artifact: Path) -> "BehaviourSpace | None":
        """None where the artifact has no such space."""
        manifest = read_manifest(artifact)
        if "behaviour" not in {space.name for space in manifest.spaces}:
            return None
        ids = json.loads((artifact / IDS).read_text(encoding="utf-8"))
        vectors = np.load(artifact / VECTORS, allow_pickle=False).astype(np.float32)
        ridge = None
        if manifest.HasField("ridge"):
            ridge = np.load(artifact / manifest.ridge.file, allow_pickle=False).astype(np.float32)
        return cls(tuple(ids), vectors, ridge)


TextSystem = EncoderSystem | Bm25System


def text_systems(
    base: str,
    model: str | None,
    artifact: Path | None,
    cache: Path | None,
    reporter: Reporter,
    *,
    precisions: Sequence[str] = PRECISIONS,
) -> list[TextSystem]:
    """All text systems that the command's options give, zero-shot first; see also ``served``.

    Without a run, an artifact made from the base as it stands has the base as its PyTorch.

    Args:
        base: an untrained encoder.
        model: run of `train encoder`, or None.
        artifact: whose variants are judged, or None.
        cache: where vectors are kept between calls, or None.
        reporter: draws progress.
        precisions: of the variants that are judged.

    Raises:
        InputError: an encoder or artifact cannot be read, or it has none of the precisions.
    """
    loaded = TorchEncoder.load(base)
    zero = quick_torch(loaded, cache, reporter, ZERO_SHOT)
    systems: list[TextSystem] = [
        EncoderSystem(ZERO_SHOT, zero, tuple(FORMS.values())),
        EncoderSystem(f"{ZERO_SHOT}-title", zero, (TITLE,)),
        Bm25System(),
    ]
    variants = [] if artifact is None else _variants(artifact, cache, reporter, precisions)
    if model is not None:
        run = cached_torch(TorchEncoder.load(model), cache, reporter, TORCH)
        forms = run_forms(run.text_form, variants)
        systems.append(_reference(EncoderSystem(TORCH, run, forms), variants, artifact))
    elif artifact is not None and variants:
        exported = read_manifest(artifact).encoder.encoder_id
        (form,) = variants[0].forms
        if encoder_id(loaded.module, loaded.text_input, form) == exported:
            exact = cached_torch(loaded, cache, reporter, TORCH)
            systems.append(_reference(EncoderSystem(TORCH, exact, (form,)), variants, artifact))
    return [*systems, *variants]


def served(artifact: Path, cache: Path | None, reporter: Reporter) -> list[TextSystem]:
    """What an artifact is served by on a CPU, alone: its int8 variant.

    Raises:
        InputError: it has none.
    """
    return list(_variants(artifact, cache, reporter, (SERVED,)))


def _reference(
    encoder: EncoderSystem, variants: Sequence[EncoderSystem], artifact: Path | None
) -> EncoderSystem:
    """PyTorch with what the artifact adds to vectors; the reranker in PyTorch too."""
    if artifact is None or not variants:
        return encoder
    manifest, reranking = read_manifest(artifact), None
    if manifest.HasField("reranker"):
        scorer = TorchCrossEncoder.load(manifest.reranker.base_model)
        reranking = Reranking(scorer, weights_of(manifest))
    of = variants[0]
    return replace(encoder, words=of.words, answers=of.answers, reranking=reranking)


def run_forms(own: TextForm | None, variants: Sequence[EncoderSystem]) -> tuple[TextForm, ...]:
    """The forms of a run's PyTorch: those of the variants that it is the reference of.

    Args:
        own: the run's; None where it learned from several shops, each with a form of its own.
        variants: of the artifact; without them valid chooses where the run has no form.
    """
    if variants:
        return variants[0].forms
    return tuple(FORMS.values()) if own is None else (own,)


def _variants(
    artifact: Path, cache: Path | None, reporter: Reporter, precisions: Sequence[str]
) -> list[EncoderSystem]:
    """Those of an artifact that have one of the precisions, in the order of ``VARIANT_SYSTEMS``."""
    manifest = read_manifest(artifact)
    sha256 = {file.name: file.sha256 for file in manifest.files}
    files = {variant.precision: variant.file for variant in manifest.encoder.variants}
    words, answers = Words.read(artifact, manifest), AnswerSpace.read(artifact, manifest)
    systems: list[EncoderSystem] = []
    readers: dict[str, Reranking | None] = {}
    for name, precision in VARIANT_SYSTEMS.items():
        if precision not in files or precision not in precisions:
            continue
        encoder = OnnxEncoder.open(artifact, precision, threads=2)
        if encoder.text_form is None:
            raise InputError(f"the manifest of {artifact} states no text form; export again")
        parts = f"{sha256[files[precision]]} {manifest.encoder.encoder_id}"
        identity = hashlib.sha256(parts.encode()).hexdigest()[:16]
        cached = CachedEncoder(encoder, f"onnx-{identity}", cache, name, reporter)
        # A CPU computes fp16 by fp32, slowly; what rounding costs there, the export has measured.
        read_by = "fp32" if precision == "fp16" else precision
        if read_by not in readers:
            readers[read_by] = _reranking(artifact, manifest, read_by)
        systems.append(
            EncoderSystem(
                name,
                cached,
                (encoder.text_form,),
                whole_corpus=precision == "int8",
                words=words,
                answers=answers,
                reranking=readers[read_by],
            )
        )
    if not systems:
        raise InputError(f"the artifact {artifact} has no variant of {' or '.join(precisions)}")
    return systems


def _reranking(artifact: Path, manifest: manifest_pb2.Manifest, precision: str) -> Reranking | None:
    reranker = OnnxReranker.open(artifact, manifest, precision, threads=2)
    return None if reranker is None else Reranking(reranker, weights_of(manifest))
