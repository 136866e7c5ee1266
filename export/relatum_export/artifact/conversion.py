"""From a PyTorch encoder to ONNX graphs: float32, int8 for the CPU, float16 for CUDA."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers.fusion_options import FusionOptions
from onnxruntime.transformers.onnx_model import OnnxModel
from onnxruntime.transformers.optimizer import optimize_model

from relatum_export.training.encoder import SentenceEmbedding
from relatum_export.training.torchscript_graph import write_graph

BERT_LIKE = ("bert", "roberta", "xlm-roberta", "distilbert", "electra")
_NORMALISATIONS = ("LayerNormalization", "SkipLayerNormalization")


def export_fp32(module: SentenceEmbedding, out: Path) -> None:
    """Write the graph as PyTorch computes it.

    Inputs int64 ``input_ids`` and ``attention_mask`` [batch, tokens], output float32 ``embedding``
    [batch, dimension]; pooling and normalisation are inside.
    """
    device = next(module.parameters()).device
    ids = torch.ones((2, 8), dtype=torch.int64, device=device)
    write_graph(
        module,
        [ids, torch.ones_like(ids)],
        out,
        names=["input_ids", "attention_mask"],
        output="embedding",
        axes={
            "input_ids": {0: "batch", 1: "tokens"},
            "attention_mask": {0: "batch", 1: "tokens"},
            "embedding": {0: "batch"},
        },
        # a mask's fill value, which is a constant
        traced=r"torch\.tensor results are registered as constants in the trace",
    )


def fuse(fp32: Path, config: Any, out: Path) -> None:
    """Write the same graph with attention, GELU and layer normalisation as single nodes.

    A transformer that the fusions do not know is written as it is.

    Args:
        fp32: the graph.
        config: Hugging Face's of the transformer in it.
        out: the file to write.
    """
    if config.model_type not in BERT_LIKE:
        onnx.save(onnx.load(str(fp32)), str(out))
        return
    model = optimize_model(
        str(fp32),
        model_type="bert",
        num_heads=int(config.num_attention_heads),
        hidden_size=int(config.hidden_size),
        opt_level=0,  # the session does the rest, for the machine that it runs on
        optimization_options=FusionOptions("bert"),
    )
    model.save_model_to_file(str(out))


def quantise_int8(fused: Path, out: Path) -> None:
    """Write dynamic int8: weights per channel, activations by the range of each batch."""
    with _without_preprocessing_advice():
        quantize_dynamic(
            str(fused),
            str(out),
            per_channel=True,
            reduce_range=True,  # without VNNI, 8-bit products overflow their 16-bit sums
            weight_type=QuantType.QInt8,
            # Fused nodes have no inferred type; without this quantisation stops at them.
            extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
        )


def to_fp16(fused: Path, out: Path) -> None:
    """Write float16 with float32 output; needs no GPU.

    Pooling and normalisation stay in float32: their guards against zero are below float16's range.
    """
    model = OnnxModel(onnx.load(str(fused)))
    nodes = list(model.model.graph.node)
    layers = [i for i, node in enumerate(nodes) if node.op_type in _NORMALISATIONS]
    last = layers[-1] if layers else len(nodes)  # without any, the gate decides on the result
    tail = [node.name for node in nodes[last + 1 :]]
    model.convert_float_to_float16(keep_io_types=True, node_block_list=tail)
    model.save_model_to_file(str(out))


@contextmanager
def _without_preprocessing_advice() -> Iterator[None]:
    """Drop the quantiser's advice to pre-process, which the fusions above have done."""
    advice = "Please consider to run pre-processing before quantization"

    def wanted(record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith(advice)

    root = logging.getLogger()
    root.addFilter(wanted)
    try:
        yield
    finally:
        root.removeFilter(wanted)
