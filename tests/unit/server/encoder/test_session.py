import dataclasses

import numpy as np
import pytest

from relatum_server.encoder.session import (
    CPU,
    CUDA,
    OnnxSession,
    SessionSettings,
    choose_variant,
    open_session,
)
from relatum_server.errors import ArtifactError, ConfigError


@pytest.mark.parametrize(
    ("provider", "precision", "expected"),
    [
        (CPU, "auto", "int8"),
        (CUDA, "auto", "fp16"),
        (CPU, "fp32", "fp32"),
        (CUDA, "fp32", "fp32"),
    ],
)
def test_the_variant_suits_the_provider_unless_one_is_asked_for(
    spec, provider, precision, expected
):
    assert choose_variant(spec, provider, precision).precision == expected


def test_without_int8_the_cpu_takes_fp32(spec):
    spec = dataclasses.replace(spec, variants=spec.variants[:1])

    assert choose_variant(spec, CPU, "auto").precision == "fp32"


def test_a_precision_that_the_artifact_lacks_is_refused_with_what_it_has(spec):
    with pytest.raises(ArtifactError, match=r"no int4 variant .* only fp32 .* fp16 \(CUDA"):
        choose_variant(spec, CPU, "int4")


def test_an_artifact_for_cuda_alone_is_refused_on_the_cpu(spec):
    spec = dataclasses.replace(spec, variants=spec.variants[2:])

    with pytest.raises(ArtifactError, match="no usable variant for CPUExecutionProvider"):
        choose_variant(spec, CPU, "auto")


def test_require_cuda_refuses_a_provider_set_to_cpu(spec):
    with pytest.raises(ConfigError, match="provider=cpu"):
        open_session(spec, SessionSettings(provider="cpu", require_cuda=True))


def test_a_graph_that_onnx_runtime_cannot_open_is_refused_in_one_line(spec, tmp_path):
    graph = tmp_path / "encoder.int8.onnx"
    graph.write_bytes(b"not a graph")
    variant = dataclasses.replace(spec.variants[1], path=graph)
    spec = dataclasses.replace(spec, variants=(variant,))

    with pytest.raises(ArtifactError, match=r"encoder\.int8\.onnx: ONNX Runtime") as error:
        open_session(spec, SessionSettings(provider="cpu"))

    assert "\n" not in str(error.value)


class FakeOrtSession:
    """What ONNX Runtime gives when it fell back: CPU first, and a vector of choice."""

    def __init__(self, output):
        self.output = output

    def get_providers(self):
        return [CPU]

    def run(self, names, inputs, options):
        return [self.output]


def test_numbers_that_are_not_finite_never_leave_the_session(spec):
    session = OnnxSession(FakeOrtSession(np.array([[np.nan, 1.0]])), spec.variants[1])
    ids = np.ones((1, 2), dtype=np.int64)

    with pytest.raises(FloatingPointError, match="int8 graph"):
        session.run(ids, ids)


def test_the_provider_is_the_one_that_really_runs(spec):
    assert OnnxSession(FakeOrtSession(np.zeros((1, 2))), spec.variants[2]).provider == CPU
