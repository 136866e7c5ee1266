"""Graphs as an artifact has them, small enough to know what they answer."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

_OPSET = 17


def write_pair_head(
    path: Path, slopes: Sequence[float], features: NDArray[np.float32] | None = None
) -> None:
    """Softmax of (a . b) x slope of each class, plus features x [features, classes] weights."""
    inputs = [_input("a", 2), _input("b", 2)]
    nodes = [
        helper.make_node("Mul", ["a", "b"], ["each"]),
        helper.make_node("ReduceSum", ["each", "one"], ["dot"], keepdims=1),
        helper.make_node("MatMul", ["dot", "slopes"], ["likeness"]),
    ]
    constants = {"one": np.array([1]), "slopes": np.array([slopes], np.float32)}
    logits = "likeness"
    if features is not None:
        inputs.append(_input("features", 2))
        constants["weights"] = features
        nodes.append(helper.make_node("MatMul", ["features", "weights"], ["words"]))
        nodes.append(helper.make_node("Add", ["likeness", "words"], ["both"]))
        logits = "both"
    nodes.append(helper.make_node("Softmax", [logits], ["probabilities"], axis=1))
    _write(path, inputs, nodes, constants, _input("probabilities", 2))


def write_user_encoder(path: Path, *, gaps: bool = True) -> None:
    """The sum of the history's vectors, at length 1; without padding."""
    inputs = [_input("vectors", 3), _input("lengths", 1, TensorProto.INT64)]
    inputs += [_input("gap_days", 2)] if gaps else []
    nodes = [
        helper.make_node("ReduceSum", ["vectors", "one"], ["sum"], keepdims=0),
        helper.make_node("LpNormalization", ["sum"], ["query"], axis=1),
    ]
    _write(path, inputs, nodes, {"one": np.array([1])}, _input("query", 2))


def _input(name: str, rank: int, kind: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, [None] * rank)


def _write(
    path: Path,
    inputs: Sequence[onnx.ValueInfoProto],
    nodes: Sequence[onnx.NodeProto],
    constants: dict[str, NDArray[np.generic]],
    output: onnx.ValueInfoProto,
) -> None:
    initial = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "graph", inputs, [output], initial)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=9)
    onnx.save(model, path)
