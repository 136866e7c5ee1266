"""Writing one model in each precision."""

from collections.abc import Sequence
from pathlib import Path

from relatum_export.artifact import conversion
from relatum_export.artifact.calibration import Batch
from relatum_export.artifact.static_int8 import fix_ranges, quantise_qdq
from relatum_export.training.compression.settings import Precision
from relatum_export.training.encoder import SentenceEmbedding


def write_variants(
    module: SentenceEmbedding,
    batches: Sequence[Batch],
    precisions: Sequence[Precision],
    folder: Path,
) -> dict[Precision, Path]:
    """Write `PRECISION.onnx` for each; what stands in between does not stay.

    Args:
        module: the model in PyTorch.
        batches: what the static forms are calibrated on.
        precisions: which to write.
        folder: where to.
    """
    files: dict[Precision, Path] = {name: folder / f"{name}.onnx" for name in precisions}
    raw, fused = folder / "raw.onnx", folder / "fused.onnx"
    dynamic = folder / "dynamic.onnx"
    conversion.export_fp32(module, raw)
    conversion.fuse(raw, module.transformer.config, fused)
    if {"int8", "int8-static"} & set(precisions):
        conversion.quantise_int8(fused, dynamic)
    if "int8-static" in files:
        fix_ranges(dynamic, fused, batches, files["int8-static"])
    if "int8-qdq" in files:
        quantise_qdq(raw, module, batches, files["int8-qdq"])
    if "fp16" in files:
        conversion.to_fp16(fused, files["fp16"])
    if "int8" in files:
        dynamic.replace(files["int8"])
    if "fp32" in files:
        fused.replace(files["fp32"])
    for between in (raw, fused, dynamic):
        between.unlink(missing_ok=True)
    return files
