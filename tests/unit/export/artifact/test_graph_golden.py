"""Golden inputs of a graph are kept with what it answers."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from relatum_export.artifact.graph_golden import write_graph_golden
from relatum_export.errors import QualityError

ROWS = np.array([[1.0, 4.0], [9.0, 16.0]], np.float32)


@pytest.fixture
def graph(tmp_path):
    """The square root of its only input `x`, as `y`."""
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", 2]) for n in "xy")
    made = helper.make_graph([helper.make_node("Sqrt", ["x"], ["y"])], "root", [x], [y])
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.save(model, tmp_path / "root.onnx")
    return tmp_path / "root.onnx"


def test_inputs_and_outputs_are_kept_by_name(graph, tmp_path):
    file = tmp_path / "golden" / "root.npz"

    write_graph_golden(graph, {"x": ROWS, "unknown": ROWS}, file)

    with np.load(file) as golden:
        assert sorted(golden.files) == ["input.x", "output.y"]
        np.testing.assert_array_equal(golden["input.x"], ROWS)
        np.testing.assert_allclose(golden["output.y"], [[1, 2], [3, 4]])


def test_a_graph_that_answers_with_no_number_is_refused(graph, tmp_path):
    file = tmp_path / "golden.npz"

    with pytest.raises(QualityError, match=r"root\.onnx answers .* no numbers"):
        write_graph_golden(graph, {"x": -ROWS}, file)

    assert not file.exists()
