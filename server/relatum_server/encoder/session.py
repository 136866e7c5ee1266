"""Opens an exported graph with ONNX Runtime on the provider that is really there."""

import ctypes
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from relatum_server.artifact import EncoderSpec, RerankerSpec, Variant
from relatum_server.errors import ArtifactError, ConfigError

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"

# What each provider runs fastest, best first. int8 on CUDA falls back to the CPU operator by
# operator and is 20 times slower.
_PREFERRED: Mapping[str, tuple[str, ...]] = {
    CPU: ("int8", "fp32"),
    CUDA: ("fp16", "fp32"),
}
# A batch of more padded tokens gives its arena chunks back, so that one large import does not
# set the resident size for good; small ones keep them, for speed.
_SHRINK_ABOVE_TOKENS = 4096
_ERROR_SEVERITY = 3  # of ONNX Runtime's 0 (verbose) to 4 (fatal)


class Session(Protocol):
    """Runs one batch. Safe to call from several threads at once."""

    def run(
        self, input_ids: NDArray[np.int64], attention_mask: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Both [batch, tokens] to float32 [batch, dimension], rows of length 1."""


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """How the graph is opened.

    Attributes:
        provider: `auto` takes CUDA if it works and the CPU otherwise.
        require_cuda: Refuse to start on the CPU.
        precision: int8, fp16 or fp32; `auto` takes the best one for the provider.
        intra_op_threads: Threads inside one inference; 1 leaves the cores to the batcher.
        cuda_memory_bytes: Upper bound of the CUDA arena; 0 sets none.
    """

    provider: Literal["auto", "cpu", "cuda"] = "auto"
    require_cuda: bool = False
    precision: str = "auto"
    intra_op_threads: int = 1
    cuda_memory_bytes: int = 0


class OnnxSession:
    """An open graph. One is enough for all threads: ONNX Runtime's `run` is thread-safe.

    Attributes:
        provider: The execution provider that runs.
        precision: The variant that was opened.
    """

    def __init__(self, session: onnxruntime.InferenceSession, variant: Variant) -> None:
        self.provider: str = session.get_providers()[0]
        self.precision = variant.precision
        self._session = session
        self._shrink = onnxruntime.RunOptions()
        arena = "cpu:0" if self.provider == CPU else "gpu:0"
        self._shrink.add_run_config_entry("memory.enable_memory_arena_shrinkage", arena)

    def run(
        self, input_ids: NDArray[np.int64], attention_mask: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Both [batch, tokens] to float32 [batch, dimension], rows of length 1.

        Raises:
            FloatingPointError: The graph gave a number that is not finite.
        """
        options = self._shrink if input_ids.size > _SHRINK_ABOVE_TOKENS else None
        (output,) = self._session.run(
            ["embedding"], {"input_ids": input_ids, "attention_mask": attention_mask}, options
        )
        vectors: NDArray[np.float32] = output
        if not np.isfinite(vectors).all():
            raise FloatingPointError(f"the {self.precision} graph gave non-finite numbers")
        return vectors


def open_session(spec: EncoderSpec, settings: SessionSettings) -> OnnxSession:
    """Open the variant that suits the provider, and make sure of the provider.

    Raises:
        ArtifactError: No suitable variant, or a graph that does not load or has other inputs and
            outputs than the manifest says.
        ConfigError: CUDA was asked for and does not work.
    """
    cuda = _try_cuda(spec, settings) if settings.provider != "cpu" else "turned off by provider=cpu"
    if isinstance(cuda, OnnxSession):
        return cuda
    if settings.require_cuda or settings.provider == "cuda":
        raise ConfigError(
            f"CUDA was asked for but does not run ({cuda}); install relatum[server,cuda] on a "
            "machine with a GPU, or set provider=cpu and require_cuda=false"
        )
    return _open(spec, choose_variant(spec, CPU, settings.precision), CPU, settings)


def choose_variant(spec: EncoderSpec | RerankerSpec, provider: str, precision: str) -> Variant:
    """The variant that runs best on a provider, or the one of the given precision.

    Raises:
        ArtifactError: The artifact has none; the message lists what it has.
    """
    by_precision = {v.precision: v for v in spec.variants if provider in v.providers}
    for wanted in _PREFERRED[provider] if precision == "auto" else (precision,):
        if wanted in by_precision:
            return by_precision[wanted]
    listed = ", ".join(f"{v.precision} ({'/'.join(v.providers)})" for v in spec.variants)
    wanted = "usable" if precision == "auto" else precision
    raise ArtifactError(
        f"the artifact has no {wanted} variant for {provider}, only {listed}; "
        "change `precision` or `provider`, or export again"
    )


def _try_cuda(spec: EncoderSpec, settings: SessionSettings) -> OnnxSession | str:
    """A session on CUDA, or why there is none."""
    if CUDA not in onnxruntime.get_available_providers():
        return "this onnxruntime was built without it"
    if not _has_cuda_driver():  # opening a graph to see it fall back takes long and prints errors
        return "no NVIDIA driver"
    try:
        variant = choose_variant(spec, CUDA, settings.precision)
        session = _open(spec, variant, CUDA, settings)
    except ArtifactError as error:
        return str(error)
    # get_available_providers() lists CUDA without a GPU and a session falls back silently, so
    # only the open session tells.
    if session.provider != CUDA:
        return "ONNX Runtime fell back to the CPU: no GPU, or no CUDA and cuDNN libraries"
    return session


def _has_cuda_driver() -> bool:
    try:
        ctypes.CDLL("nvcuda.dll" if os.name == "nt" else "libcuda.so.1")
    except OSError:
        return False
    return True


def _open(
    spec: EncoderSpec, variant: Variant, provider: str, settings: SessionSettings
) -> OnnxSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = settings.intra_op_threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERROR_SEVERITY
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Each new shape would add a memory pattern that is kept for good.
    options.enable_mem_pattern = False
    providers: list[str | tuple[str, dict[str, str]]] = [CPU]
    if provider == CUDA:
        cuda_options = {"arena_extend_strategy": "kSameAsRequested"}
        if settings.cuda_memory_bytes:
            cuda_options["gpu_mem_limit"] = str(settings.cuda_memory_bytes)
        providers.insert(0, (CUDA, cuda_options))
    try:
        session = onnxruntime.InferenceSession(
            str(variant.path), sess_options=options, providers=providers
        )
    except Exception as error:  # onnxruntime's exceptions have no common base of their own
        cause = " ".join(str(error).split())
        raise ArtifactError(
            f"{variant.path}: ONNX Runtime cannot open it ({cause}); export the artifact again"
        ) from error
    inputs = sorted(i.name for i in session.get_inputs())
    outputs = {o.name: o.shape for o in session.get_outputs()}
    if inputs != ["attention_mask", "input_ids"] or "embedding" not in outputs:
        raise ArtifactError(
            f"{variant.path}: takes {inputs} and gives {sorted(outputs)}, not input_ids and "
            "attention_mask to embedding; export the artifact again"
        )
    width = outputs["embedding"][-1]
    if isinstance(width, int) and width != spec.dimension:
        raise ArtifactError(
            f"{variant.path}: gives vectors of {width} numbers where the manifest says "
            f"{spec.dimension}; export the artifact again"
        )
    return OnnxSession(session, variant)
