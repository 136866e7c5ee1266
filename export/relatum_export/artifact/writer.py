"""Writing an artifact: encoder, golden inputs, behaviour, parts, reports; last the manifest."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from google.protobuf import json_format

from relatum.artifact.v1 import manifest_pb2
from relatum_export.artifact import behaviour, conversion, identity
from relatum_export.artifact.beside_vectors import write_beside_vectors
from relatum_export.artifact.folder import METRICS, REPORT, appearing, write_manifest
from relatum_export.artifact.golden import golden_lines
from relatum_export.artifact.graph_golden import MAX_DIFFERENCE
from relatum_export.artifact.identity import producer_version
from relatum_export.artifact.int8_choice import Int8Choice, write_int8
from relatum_export.artifact.latency import Latency, measure_latency
from relatum_export.artifact.onnx_encoder import OnnxEncoder
from relatum_export.artifact.parts import Parts
from relatum_export.artifact.report import render_report
from relatum_export.artifact.reranker_part import pairs_to_weigh_by
from relatum_export.artifact.shop_texts import ShopTexts
from relatum_export.artifact.text_places import add_text_places, described
from relatum_export.artifact.verification import Verification, Verifier, sample_texts
from relatum_export.console import Reporter
from relatum_export.corpus.folder import Corpus
from relatum_export.training.bases import form_to_json
from relatum_export.training.batching import TextInput
from relatum_export.training.cross_encoder import TorchCrossEncoder
from relatum_export.training.encoder import TorchEncoder, bare_tokenizer
from relatum_export.training.judged import JudgedSplit
from relatum_export.training.products import Catalogue
from relatum_export.training.text_choice import FormChoice

FORMAT_VERSION = 1
TOKENIZER = "tokenizer.json"
GOLDEN = "golden.jsonl"
GOLDEN_MIN_COSINE = (
    0.995  # other CPUs round int8 otherwise; a flipped bit or a wrong file is far off
)
PROVIDERS = {
    "fp32": ("CPUExecutionProvider", "CUDAExecutionProvider"),
    "int8": ("CPUExecutionProvider",),
    "fp16": ("CUDAExecutionProvider",),
}
_POOLING = {"mean": manifest_pb2.POOLING_MEAN, "cls": manifest_pb2.POOLING_CLS}


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export produced.

    Attributes:
        path: the artifact folder.
        manifest: its manifest.
        metrics: the contents of `metrics.json`.
    """

    path: Path
    manifest: manifest_pb2.Manifest
    metrics: dict[str, Any]


def write_artifact(
    corpus: Corpus,
    encoder: TorchEncoder,
    choice: FormChoice,
    catalogue: Catalogue,
    judged: Sequence[JudgedSplit],
    *,
    parts: Parts,
    out: Path,
    reporter: Reporter,
    force: bool,
    reranker: TorchCrossEncoder | None = None,
) -> Exported:
    """Export ``encoder`` and what the corpus's events give; the folder appears whole or not at all.

    Raises:
        QualityError: a variant or a head fails its comparison with PyTorch.
        InputError: ``out`` holds something that must not be overwritten, or a part does not fit.
    """
    text_input = replace(encoder.text_input, tokenizer=bare_tokenizer(encoder.text_input.tokenizer))
    identifier = identity.encoder_id(encoder.module, text_input, choice.form)
    parts.check_encoder(
        identifier,
        encoder.base.name,
        choice.form,
        partial(identity.encoder_id, encoder.module, text_input),
    )
    parts.tell_of_other_data(corpus, reporter)
    shop = ShopTexts.read(corpus, catalogue, choice.form)
    if reranker is not None:  # said before the long conversion
        pairs_to_weigh_by(corpus, catalogue, choice.form)
    with appearing(out, force=force) as folder:
        manifest = manifest_pb2.Manifest(
            format_version=FORMAT_VERSION,
            name=corpus.name,
            producer_version=producer_version(),
            golden_file=GOLDEN,
            thresholds=manifest_pb2.Thresholds(golden_min_cosine=GOLDEN_MIN_COSINE),
            corpus_sha256=corpus.fingerprint,
            encoder=manifest_pb2.Encoder(encoder_id=identifier, dimension=encoder.dimension),
            languages=[
                manifest_pb2.Language(code=code, share=share)
                for code, share in corpus.languages.items()
            ],
        )
        # The parts first: what may be wrong with them shows before the long conversion.
        learned = _write_behaviour(corpus, folder, manifest, reporter, vectors=parts.users is None)
        if learned is not None and learned.item_ids:
            texts = dict(zip(catalogue.ids, catalogue.texts(choice.form), strict=True))
            placed = add_text_places(
                corpus, learned, encoder, texts=texts, folder=folder, manifest=manifest
            )
            reporter.info(f"behaviour: {described(placed)}")
        part_metrics = parts.write(corpus, encoder, folder, manifest, reporter)
        if manifest.HasField("pair_head") or manifest.HasField("user_encoder"):
            manifest.thresholds.golden_max_difference = MAX_DIFFERENCE
        text_input.tokenizer.save(str(folder / TOKENIZER))
        verifications, encoders, int8 = _write_variants(
            encoder,
            text_input,
            shop,
            verifier=Verifier(corpus.name, shop.documents, catalogue, choice.form, judged),
            folder=folder,
            reporter=reporter,
        )
        manifest.encoder.CopyFrom(
            _encoder_message(encoder, text_input, choice, identifier, verifications)
        )
        beside = write_beside_vectors(
            corpus,
            catalogue,
            encoders,
            reranker,
            form=choice.form,
            folder=folder,
            manifest=manifest,
            reporter=reporter,
        )
        lines = golden_lines(encoders, choice.form)
        (folder / GOLDEN).write_text("\n".join(lines) + "\n", encoding="utf-8")
        latency = measure_latency(encoders["int8"], sample_texts(shop.documents))
        metrics = _metrics(manifest, choice, verifications, latency, folder)
        metrics["int8"] = int8.metrics()
        metrics |= beside
        metrics["parts"] = part_metrics
        (folder / METRICS).write_text(
            json.dumps(metrics, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
        )
        (folder / REPORT).write_text(render_report(metrics), encoding="utf-8")
        write_manifest(manifest, folder)
    return Exported(out, manifest, metrics)


def _write_variants(
    encoder: TorchEncoder,
    text_input: TextInput,
    shop: ShopTexts,
    *,
    verifier: Verifier,
    folder: Path,
    reporter: Reporter,
) -> tuple[list[Verification], dict[str, OnnxEncoder], Int8Choice]:
    """Write and verify each precision; the fused graph in between does not stay."""
    files = {precision: folder / f"encoder.{precision}.onnx" for precision in PROVIDERS}
    fused = folder / "fused.onnx"
    reporter.info("encoder: PyTorch to ONNX, fused, int8, fp16")
    conversion.export_fp32(encoder.module, files["fp32"])
    conversion.fuse(files["fp32"], encoder.module.transformer.config, fused)
    conversion.to_fp16(fused, files["fp16"])
    reporter.info("encoder: measuring PyTorch on the corpus")
    reference = verifier.reference(encoder)
    int8 = write_int8(
        fused,
        files["int8"],
        shop,
        text_input=text_input,
        verifier=verifier,
        reference=reference,
    )
    reporter.info(f"encoder int8: ranges {int8.ranges.replace('_', ' ')}, {int8.reason}")
    fused.replace(files["fp32"])
    verifications, encoders = [], {}
    for precision, file in files.items():
        if precision == "int8":
            variant, found = int8.encoder, int8.verification
        else:
            variant = OnnxEncoder(file, text_input, None)
            found = verifier.verify(precision, variant, reference)
        agreeing = "; ".join(
            f"{a.measure} {a.value:.4f} (PyTorch {a.reference:.4f})" for a in found.agreements
        )
        reporter.info(
            f"encoder {precision}: cosine to PyTorch at least {found.min_cosine:.5f}, mean "
            f"{found.mean_cosine:.5f}{'; ' if agreeing else ''}{agreeing}"
        )
        verifications.append(found)
        encoders[precision] = variant
    return verifications, encoders, int8


def _write_behaviour(
    corpus: Corpus,
    folder: Path,
    manifest: manifest_pb2.Manifest,
    reporter: Reporter,
    *,
    vectors: bool,
) -> behaviour.BehaviourParts | None:
    parts = behaviour.fit(corpus, vectors=vectors)
    if parts is None:
        reporter.info(
            "behaviour: the corpus has no purchases, so the artifact has none of its parts"
        )
        return None
    if behaviour.VECTORS in behaviour.write(parts, folder):
        manifest.spaces.append(
            manifest_pb2.Space(
                name="behaviour",
                vectors_file=behaviour.VECTORS,
                ids_file=behaviour.IDS,
                dimension=int(parts.vectors.shape[1]),
            )
        )
    manifest.copurchase_file = behaviour.COPURCHASE
    manifest.popularity_file = behaviour.POPULARITY
    if vectors:
        reporter.info(f"behaviour: vectors of {len(parts.item_ids):,} items")
    return parts


def _encoder_message(
    encoder: TorchEncoder,
    text_input: TextInput,
    choice: FormChoice,
    identifier: str,
    verifications: Sequence[Verification],
) -> manifest_pb2.Encoder:
    return manifest_pb2.Encoder(
        encoder_id=identifier,
        base_model=encoder.base.name,
        dimension=encoder.dimension,
        pooling=_POOLING[encoder.module.pooling],
        query_prefix=text_input.query_prefix,
        document_prefix=text_input.document_prefix,
        max_tokens=text_input.max_tokens,
        tokenizer_file=TOKENIZER,
        pad_token_id=text_input.pad_token_id,
        text_form=json_format.ParseDict(form_to_json(choice.form), manifest_pb2.TextForm()),
        variants=[
            manifest_pb2.Variant(
                precision=found.precision,
                file=f"encoder.{found.precision}.onnx",
                providers=PROVIDERS[found.precision],
                min_cosine=found.min_cosine,
                mean_cosine=found.mean_cosine,
                agreements=[manifest_pb2.Agreement(**asdict(a)) for a in found.agreements],
            )
            for found in verifications
        ],
        matryoshka_dimensions=[encoder.dimension],
    )


def _metrics(
    manifest: manifest_pb2.Manifest,
    choice: FormChoice,
    verifications: Sequence[Verification],
    latency: Latency,
    folder: Path,
) -> dict[str, Any]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        "name": manifest.name,
        "base_model": manifest.encoder.base_model,
        "encoder_id": manifest.encoder.encoder_id,
        "text_form": choice.form.name,
        "text_form_measure": choice.measure,
        "text_form_figures": dict(choice.scores),
        "variants": [asdict(found) for found in verifications],
        "int8_latency": asdict(latency),
        "file_bytes": {path.relative_to(folder).as_posix(): path.stat().st_size for path in files},
    }
