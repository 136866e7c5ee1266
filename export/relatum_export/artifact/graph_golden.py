"""Golden inputs of a head's graph with what it answers, so that a server can try its own copy."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from relatum_export.errors import QualityError

MAX_DIFFERENCE = 1e-3  # other CPUs round float32 otherwise, by about 1e-6; a wrong file is far off


def write_graph_golden(graph: Path, inputs: Mapping[str, NDArray[np.generic]], file: Path) -> None:
    """Run ``inputs`` through ``graph`` and write both as arrays `input.NAME` and `output.NAME`.

    Args:
        graph: the ONNX file.
        inputs: by name, each with the same first dimension; those that the graph lacks are left
            out.
        file: NumPy archive to write; its folder is made.

    Raises:
        QualityError: an output is no number.
    """
    session = onnxruntime.InferenceSession(str(graph), _options(), ["CPUExecutionProvider"])
    wanted = [node.name for node in session.get_inputs()]
    fed = {name: inputs[name] for name in wanted}
    names = [node.name for node in session.get_outputs()]
    outputs = dict(zip(names, session.run(names, fed), strict=True))
    if not all(np.isfinite(value).all() for value in outputs.values()):
        raise QualityError(
            f"{graph.name} answers golden inputs with values that are no numbers; train it again"
        )
    file.parent.mkdir(parents=True, exist_ok=True)
    arrays = {f"input.{name}": value for name, value in fed.items()}
    arrays |= {f"output.{name}": value for name, value in outputs.items()}
    np.savez_compressed(file, allow_pickle=False, **arrays)


def _options() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3  # errors; warnings are about graph parts left unoptimised
    return options
