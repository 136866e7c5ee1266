"""What the ranges of static int8 are taken from: the tensors of a shop's texts in the graph."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import helper

from relatum_export.training.batching import Kind, TextInput

Batch = tuple[NDArray[np.int64], NDArray[np.int64]]
Range = tuple[float, float]
QUANTILE = 0.99  # of the texts' own extremes: a freak text shall not coarsen all others


def calibration_batches(
    text_input: TextInput, texts: Sequence[str], count: int, queries: Sequence[str] = ()
) -> list[Batch]:
    """Up to ``count`` texts, evenly spread by length, each a batch of its own without padding.

    Args:
        text_input: gives the tokens.
        texts: documents.
        count: how many.
        queries: up to as many again, where queries are known.
    """
    batches: list[Batch] = []
    sides: tuple[tuple[Sequence[str], Kind], ...] = ((texts, "document"), (queries, "query"))
    for of, kind in sides:
        distinct = sorted({text for text in of if text}, key=lambda text: (len(text), text))
        step = max(1, len(distinct) / count)
        chosen = [distinct[int(at * step)] for at in range(min(count, len(distinct)))]
        batches += [text_input.pad([ids]) for ids in text_input.token_ids(chosen, kind)]
    return batches


def activation_ranges(
    fused: Path, names: Sequence[str], batches: Sequence[Batch]
) -> dict[str, Range]:
    """The range of each named tensor of the float graph over the batches, 0 included.

    Args:
        fused: the float32 graph that was quantised.
        names: tensors.
        batches: input ids and attention mask of each text, one text a batch.
    """
    model = onnx.load(str(fused))
    for name in names:
        model.graph.output.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    lows: dict[str, list[float]] = {name: [] for name in names}
    highs: dict[str, list[float]] = {name: [] for name in names}
    for ids, mask in batches:
        found = session.run(list(names), {"input_ids": ids, "attention_mask": mask})
        for name, values in zip(names, found, strict=True):
            lows[name].append(float(values.min()))
            highs[name].append(float(values.max()))
    return {
        name: (
            min(0.0, float(np.quantile(lows[name], 1 - QUANTILE))),
            max(0.0, float(np.quantile(highs[name], QUANTILE))),
        )
        for name in names
    }
