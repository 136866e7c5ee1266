"""A small transformer of random weights through every conversion."""

import numpy as np
import onnx
import pytest
import torch
from tokenizers import Tokenizer, models
from transformers import BertConfig, BertModel

from relatum_export.artifact import conversion
from relatum_export.artifact.identity import encoder_id, model_id
from relatum_export.artifact.onnx_encoder import OnnxEncoder
from relatum_export.corpus.text import FULL, TITLE
from relatum_export.training.batching import TextInput
from relatum_export.training.encoder import SentenceEmbedding

SIZE = 64


@pytest.fixture(scope="module", params=["mean", "cls"])
def module(request):
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=50,
        hidden_size=SIZE,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=128,
        max_position_embeddings=32,
    )
    return SentenceEmbedding(BertModel(config), request.param).eval()


@pytest.fixture(scope="module")
def graphs(module, tmp_path_factory):
    folder = tmp_path_factory.mktemp("graphs")
    paths = {name: folder / f"{name}.onnx" for name in ("fp32", "fused", "int8", "fp16")}
    conversion.export_fp32(module, paths["fp32"])
    conversion.fuse(paths["fp32"], module.transformer.config, paths["fused"])
    conversion.quantise_int8(paths["fused"], paths["int8"])
    conversion.to_fp16(paths["fused"], paths["fp16"])
    return paths


@pytest.fixture
def text_input():
    return TextInput(Tokenizer(models.BPE({"a": 0}, [])), "", "", 16, 0)


def batch(*lengths):
    draw = np.random.default_rng(0)
    ids = draw.integers(1, 50, size=(len(lengths), max(lengths)))
    mask = (np.arange(max(lengths)) < np.array(lengths)[:, None]).astype(np.int64)
    return ids * mask, mask


def reference(module, ids, mask):
    with torch.inference_mode():
        return module(torch.from_numpy(ids), torch.from_numpy(mask)).numpy()


@pytest.mark.parametrize(
    ("name", "cosine"), [("fp32", 0.99999), ("fused", 0.99999), ("fp16", 0.9999), ("int8", 0.97)]
)
def test_each_graph_gives_pytorchs_unit_vectors_for_padded_batches_of_any_shape(
    module, graphs, text_input, name, cosine
):
    encoder = OnnxEncoder(graphs[name], text_input, None)

    for lengths in ((1,), (7, 3, 12), (20, 20, 1, 5, 9)):
        ids, mask = batch(*lengths)
        vectors = encoder.forward(ids, mask)
        expected = reference(module, ids, mask)

        assert vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)
        assert (vectors * expected).sum(1).min() > cosine


def test_padding_does_not_change_a_vector(module, graphs, text_input):
    encoder = OnnxEncoder(graphs["fused"], text_input, None)
    ids, mask = batch(4, 15)

    together = encoder.forward(ids, mask)[0]
    alone = encoder.forward(ids[:1, :4], mask[:1, :4])[0]

    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_attention_and_normalisation_are_fused_and_weights_are_int8(graphs):
    fused = {node.op_type for node in onnx.load(graphs["fused"]).graph.node}
    int8 = {node.op_type for node in onnx.load(graphs["int8"]).graph.node}

    assert {"Attention", "SkipLayerNormalization"} <= fused
    assert {"QAttention", "MatMulInteger"} <= int8
    assert graphs["int8"].stat().st_size < 0.5 * graphs["fp32"].stat().st_size


def test_inputs_and_output_are_those_of_the_contract(graphs):
    for name in ("fp32", "fused", "int8", "fp16"):
        graph = onnx.load(graphs[name]).graph
        types = {i.name: i.type.tensor_type.elem_type for i in graph.input}

        assert types == {
            "input_ids": onnx.TensorProto.INT64,
            "attention_mask": onnx.TensorProto.INT64,
        }
        assert [(o.name, o.type.tensor_type.elem_type) for o in graph.output] == [
            ("embedding", onnx.TensorProto.FLOAT)
        ]


def test_the_encoders_id_follows_weights_and_text_form_and_nothing_else(module, text_input):
    first = encoder_id(module, text_input, TITLE)
    again = encoder_id(module, text_input, TITLE)
    other_form = encoder_id(module, text_input, FULL)
    with torch.no_grad():
        module.transformer.embeddings.word_embeddings.weight[3, 3] += 1e-3
    other_weights = encoder_id(module, text_input, TITLE)

    assert first == again
    assert len({first, other_form, other_weights}) == 3
    assert len(first) == 16


def test_the_models_id_follows_the_files_that_answers_depend_on():
    files = {"encoder.int8.onnx": "aa", "tokenizer.json": "bb"}

    assert model_id("e", files) == model_id("e", dict(reversed(files.items())))
    assert model_id("e", files) != model_id("e", files | {"tokenizer.json": "cc"})
    assert model_id("e", files) != model_id("f", files)
