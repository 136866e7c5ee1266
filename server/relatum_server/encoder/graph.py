"""Opens the small graphs beside the encoder: the association head and the user encoder."""

from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from relatum_server.artifact import GraphGolden
from relatum_server.errors import ArtifactError

_ERROR_SEVERITY = 3  # of ONNX Runtime's 0 (verbose) to 4 (fatal)
_AGAIN = "export the artifact again"


class Graph:
    """An open graph on the CPU. Safe from any thread; runs in the caller's, one thread a call.

    Its batches are small: a queue of their own and a GPU would cost more than they save.
    """

    def __init__(self, path: Path, inputs: Collection[str], output: str) -> None:
        """Open it.

        Args:
            path: the ONNX file.
            inputs: names that it must take, all and no others.
            output: name that it must give.

        Raises:
            ArtifactError: it does not load, or has other inputs and outputs.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = _ERROR_SEVERITY
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # Each new shape would add a memory pattern that is kept for good.
        options.enable_mem_pattern = False
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), sess_options=options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's exceptions have no common base of their own
            cause = " ".join(str(error).split())
            raise ArtifactError(
                f"{path}: ONNX Runtime cannot open it ({cause}); {_AGAIN}"
            ) from error
        takes = sorted(node.name for node in self._session.get_inputs())
        gives = sorted(node.name for node in self._session.get_outputs())
        if takes != sorted(inputs) or output not in gives:
            raise ArtifactError(
                f"{path}: takes {takes} and gives {gives}, not {sorted(inputs)} to {output}; "
                f"{_AGAIN}"
            )
        self._output = output

    def run(self, inputs: Mapping[str, NDArray[np.generic]]) -> NDArray[np.float32]:
        """The output of a batch, float32.

        Raises:
            FloatingPointError: a number in it is not finite.
        """
        (found,) = self._session.run([self._output], dict(inputs))
        output: NDArray[np.float32] = found
        if not np.isfinite(output).all():
            raise FloatingPointError(f"the graph gave {self._output} with non-finite numbers")
        return output

    def check(self, golden: GraphGolden, max_difference: float) -> float:
        """Run the golden inputs; the largest difference from what the graph gave at export.

        Raises:
            ArtifactError: it differs by more than allowed, or the inputs do not fit.
        """
        try:
            return golden.check(lambda given: {self._output: self.run(given)}, max_difference)
        except ArtifactError:
            raise
        except Exception as error:  # a foreign file: any of onnxruntime's errors
            cause = " ".join(str(error).split())
            raise ArtifactError(
                f"{golden.path}: the graph cannot run it ({cause}); {_AGAIN}"
            ) from error
