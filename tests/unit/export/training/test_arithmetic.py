"""Products in bf16 while training: what they change, and that they end with it."""

import pytest
import torch
from transformers import BertConfig, BertModel

from relatum_export.training import arithmetic
from relatum_export.training.arithmetic import products_in, takes_bf16

CPU = torch.device("cpu")


@pytest.fixture
def transformer():
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=50,
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    return BertModel(config).train()


IDS = torch.arange(1, 13).reshape(2, 6)


@pytest.mark.parametrize(
    ("precision", "native", "expected"),
    [
        ("auto", True, True),
        ("auto", False, False),
        ("fp32", True, False),
        ("bf16", False, True),
    ],
)
def test_auto_asks_the_processor_and_the_others_are_taken_at_their_word(
    monkeypatch, precision, native, expected
):
    monkeypatch.setattr(arithmetic, "has_native_bf16", lambda _device: native)

    assert takes_bf16(precision, CPU) is expected


def test_a_torch_that_cannot_say_what_its_processor_has_takes_fp32(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)

    assert not takes_bf16("auto", CPU)


def test_states_in_bf16_are_near_those_in_fp32_and_handed_on_as_fp32(transformer):
    exact = transformer(input_ids=IDS).last_hidden_state

    with products_in(transformer, "bf16"):
        rounded = transformer(input_ids=IDS).last_hidden_state
        (as_tuple, *_) = transformer(input_ids=IDS, return_dict=False)

    assert rounded.dtype == torch.float32
    assert 0 < (rounded - exact).abs().max() < 0.1
    assert torch.equal(rounded, as_tuple)


def test_gradients_are_fp32_and_reach_the_weights(transformer):
    with products_in(transformer, "bf16"):
        transformer(input_ids=IDS).last_hidden_state.square().sum().backward()

    weight = transformer.encoder.layer[0].output.dense.weight
    assert weight.grad.dtype == torch.float32
    assert weight.grad.abs().sum() > 0


def test_afterwards_the_transformer_is_what_it_was_also_after_an_error(transformer):
    exact = transformer(input_ids=IDS).last_hidden_state

    with pytest.raises(RuntimeError, match="stop"), products_in(transformer, "bf16"):
        raise RuntimeError("stop")

    assert "forward" not in vars(transformer)
    assert torch.equal(transformer(input_ids=IDS).last_hidden_state, exact)


def test_what_is_measured_in_between_is_measured_in_fp32(transformer):
    exact = transformer.eval()(input_ids=IDS).last_hidden_state

    with products_in(transformer, "bf16"):
        measured = transformer(input_ids=IDS).last_hidden_state

    assert torch.equal(measured, exact)


def test_fp32_leaves_the_transformer_alone(transformer):
    with products_in(transformer, "fp32"):
        assert "forward" not in vars(transformer)
