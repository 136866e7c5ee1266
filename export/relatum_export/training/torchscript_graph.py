"""Writing a module as an ONNX graph by PyTorch's TorchScript exporter."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch.jit._trace import TracerWarning

OPSET = 17  # the newest that the TorchScript exporter and the fusions both handle
SAID = (  # by the exporter, of its own age
    "You are using the legacy TorchScript-based ONNX export",
    "The feature will be removed. Please remove usage of this function",
)


def write_graph(
    module: torch.nn.Module,
    inputs: Sequence[torch.Tensor],
    file: Path,
    *,
    names: Sequence[str],
    output: str,
    axes: Mapping[str, Mapping[int, str]],
    traced: str | None = None,
) -> None:
    """Write ``module`` in the state that it is in.

    The TorchScript exporter needs no further package, and the fusions know its graphs.

    Args:
        module: one output.
        inputs: a sample, in the order of ``names``.
        file: to write.
        names: of the inputs.
        output: name of the output.
        axes: free axes by input or output, with what each counts.
        traced: beginning of what the tracer may warn of, "" for anything: values that it takes for
            constants. Whoever gives it tries the graph at other shapes. None: it shall not warn.
    """
    with torch.inference_mode(), _known_warnings(traced):
        torch.onnx.export(
            module,
            tuple(inputs),
            str(file),
            input_names=list(names),
            output_names=[output],
            dynamic_axes={name: dict(free) for name, free in axes.items()},
            opset_version=OPSET,
            dynamo=False,
        )


@contextmanager
def _known_warnings(traced: str | None) -> Iterator[None]:
    with warnings.catch_warnings():
        for message in SAID:
            warnings.filterwarnings("ignore", message, DeprecationWarning)
        if traced is not None:
            warnings.filterwarnings("ignore", traced, TracerWarning)
        yield
