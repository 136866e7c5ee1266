"""How an exported graph is opened where it is measured: on the CPU, as the server opens it."""

from pathlib import Path

import onnxruntime


def cpu_session(graph: Path, threads: int) -> onnxruntime.InferenceSession:
    """Open an ONNX file.

    Args:
        graph: the file.
        threads: of one run.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors; warnings are about graph parts left unoptimised
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
