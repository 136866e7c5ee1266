"""int8 whose ranges are fixed by calibration, so that a vector does not depend on its batch.

Dynamic int8 takes the range of each activation from the whole batch: a text's vector then changes
with its batch-mates. Here the ranges that texts of the catalogue have are measured once, on the
float graph, and written into the very graph that dynamic quantisation made: the same fused integer
kernels, without the search for the range at run time.

The second form, QDQ, is ONNX Runtime's own: portable to other runtimes, but its fused attention
has no QDQ kernel on a CPU.
"""

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.transformers.fusion_options import FusionOptions
from onnxruntime.transformers.optimizer import optimize_model

from relatum_export.artifact.calibration import Batch, Range, activation_ranges
from relatum_export.training.encoder import SentenceEmbedding

LEVELS = 255
DYNAMIC = "DynamicQuantizeLinear"


def fix_ranges(dynamic: Path, fused: Path, batches: Sequence[Batch], out: Path) -> None:
    """Write the dynamic int8 graph with its ranges fixed by the batches.

    Args:
        dynamic: as from ``conversion.quantise_int8``.
        fused: what it was quantised from.
        batches: see ``activation_ranges``.
        out: the file to write.
    """
    model = onnx.load(str(dynamic))
    searching = [node for node in model.graph.node if node.op_type == DYNAMIC]
    names = sorted({node.input[0] for node in searching})
    ranges = activation_ranges(fused, names, batches)
    nodes = []
    for node in model.graph.node:
        if node.op_type != DYNAMIC:
            nodes.append(node)
            continue
        scale, zero = scale_and_zero(ranges[node.input[0]])
        quantised, scale_name, zero_name = node.output
        model.graph.initializer.append(numpy_helper.from_array(scale, scale_name))
        model.graph.initializer.append(numpy_helper.from_array(zero, zero_name))
        inputs = [node.input[0], scale_name, zero_name]
        nodes.append(helper.make_node("QuantizeLinear", inputs, [quantised], name=node.name))
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save(model, str(out))


def scale_and_zero(of: Range) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Scale and zero point of a range as unsigned bytes, as ``DynamicQuantizeLinear`` has them.

    **Source**: ONNX operator DynamicQuantizeLinear, version 11.
    """
    low, high = of
    scale = max((high - low) / LEVELS, float(np.finfo(np.float32).tiny))
    zero = np.clip(np.rint(-low / scale), 0, LEVELS)
    return np.array(scale, np.float32), np.array(zero, np.uint8)


def quantise_qdq(
    fp32: Path, module: SentenceEmbedding, batches: Sequence[Batch], out: Path
) -> None:
    """Write static int8 as QDQ nodes around the matrix products, calibrated on the batches.

    Attention stays unfused, because its fused node has no QDQ form; the rest is fused.
    """
    config = module.transformer.config
    options = FusionOptions("bert")
    options.enable_attention = False
    partly = optimize_model(
        str(fp32),
        model_type="bert",
        num_heads=int(config.num_attention_heads),
        hidden_size=int(config.hidden_size),
        opt_level=0,
        optimization_options=options,
    )
    between = out.with_suffix(".float.onnx")
    partly.save_model_to_file(str(between))
    try:
        with _without_advice():
            quantize_static(
                str(between),
                str(out),
                _Calibration(batches),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=["MatMul"],
                per_channel=True,
                reduce_range=True,  # without VNNI, 8-bit products overflow their 16-bit sums
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
            )
    finally:
        between.unlink(missing_ok=True)


class _Calibration(CalibrationDataReader):
    """Hands the batches out one by one."""

    def __init__(self, batches: Sequence[Batch]) -> None:
        self._left = iter(batches)

    def get_next(self) -> Mapping[str, NDArray[np.int64]] | None:
        batch = next(self._left, None)
        return None if batch is None else {"input_ids": batch[0], "attention_mask": batch[1]}


@contextmanager
def _without_advice() -> Iterator[None]:
    """Drop the quantiser's remarks on tensors that it leaves as they are, and on pre-processing."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        root.setLevel(level)
