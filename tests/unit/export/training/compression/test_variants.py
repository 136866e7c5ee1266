"""Each precision gives PyTorch's vectors; fixed ranges give them whatever is in the batch."""

import numpy as np
import onnx
import pytest

from relatum_export.artifact.batch_dependence import batch_dependence
from relatum_export.artifact.calibration import calibration_batches
from relatum_export.artifact.onnx_encoder import OnnxEncoder
from relatum_export.artifact.static_int8 import scale_and_zero
from relatum_export.training.compression.settings import Precision
from relatum_export.training.compression.variants import write_variants
from relatum_export.training.encoder import TorchEncoder
from tests.unit.export.training.compression.conftest import COLOURS, THINGS

PRECISIONS: tuple[Precision, ...] = ("fp32", "fp16", "int8", "int8-static", "int8-qdq")
TEXTS = [f"a {colour} {thing}" for colour in COLOURS for thing in THINGS]
LONG = [" ".join(TEXTS[at : at + 4]) for at in range(0, 40, 4)]


@pytest.fixture(scope="module")
def variants(tiny, tmp_path_factory):
    encoder = TorchEncoder.load(tiny)
    folder = tmp_path_factory.mktemp("variants")
    batches = calibration_batches(encoder.text_input, [*TEXTS, *LONG], 40, ["a mug"])
    files = write_variants(encoder.module, batches, PRECISIONS, folder)
    assert sorted(folder.iterdir()) == sorted(files.values())
    return (
        encoder,
        {name: OnnxEncoder(file, encoder.text_input, None) for name, file in files.items()},
        files,
    )


@pytest.mark.parametrize(
    ("name", "cosine"),
    [
        ("fp32", 0.99999),
        ("fp16", 0.9999),
        ("int8", 0.97),
        ("int8-static", 0.97),
        ("int8-qdq", 0.97),
    ],
)
def test_each_precision_gives_pytorchs_vectors(variants, name, cosine):
    encoder, exported, _ = variants
    texts = [*TEXTS, *LONG]

    expected = encoder.encode(texts, kind="document")
    found = exported[name].encode(texts, kind="document")

    assert (expected * found).sum(axis=1).min() > cosine


def test_dynamic_int8_depends_on_its_batch_and_fixed_ranges_do_not(variants):
    _, exported, _ = variants
    changes = {
        name: batch_dependence(exported[name], [*TEXTS, *LONG], 0).largest for name in PRECISIONS
    }

    assert changes["int8"] > 1e-5
    for name in ("fp32", "int8-static", "int8-qdq"):
        assert changes[name] < 1e-5


def test_fixed_ranges_use_the_kernels_of_dynamic_int8_without_the_search(variants):
    _, _, files = variants
    operators = {
        name: {node.op_type for node in onnx.load(files[name]).graph.node}
        for name in ("int8", "int8-static", "int8-qdq")
    }

    assert "DynamicQuantizeLinear" in operators["int8"]
    assert operators["int8-static"] == (
        operators["int8"] - {"DynamicQuantizeLinear"} | {"QuantizeLinear"}
    )
    assert {"QuantizeLinear", "DequantizeLinear"} <= operators["int8-qdq"]


def test_a_range_becomes_scale_and_zero_point_by_the_operators_formula():
    scale, zero = scale_and_zero((-1.0, 4.1))

    assert scale == pytest.approx(5.1 / 255)
    assert zero == 50
    assert scale.dtype == np.float32
    assert zero.dtype == np.uint8


def test_an_activation_that_is_always_zero_has_a_scale_all_the_same():
    scale, zero = scale_and_zero((0.0, 0.0))

    assert scale > 0
    assert zero == 0


def test_calibration_takes_texts_of_all_lengths_and_queries(variants):
    encoder, _, _ = variants

    batches = calibration_batches(encoder.text_input, [*TEXTS, *LONG], 8, ["a mug", "a pen"])

    lengths = [ids.shape[1] for ids, _ in batches]
    assert len(batches) == 10
    assert max(lengths[:8]) > 2 * min(lengths[:8])
