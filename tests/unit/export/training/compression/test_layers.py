"""Which layers a student keeps."""

import pytest
import torch
from torch import nn

from relatum_export.errors import InputError
from relatum_export.training.compression.layers import (
    drop_order,
    kept_count,
    layer_stack,
    same_vectors,
    student_of,
)
from relatum_export.training.encoder import TorchEncoder

TEXTS = ("red shoe 1", "a black lamp", "green table", "pen")


def without_effect(layer):
    """After a layer that adds nothing, normalising again changes nothing."""
    with torch.no_grad():
        for dense in (layer.attention.output.dense, layer.output.dense):
            dense.weight.zero_()
            dense.bias.zero_()


@pytest.mark.parametrize(
    ("layers", "share", "kept"), [(6, 1 / 2, 3), (12, 1 / 3, 4), (3, 1 / 3, 1), (2, 0.9, 1)]
)
def test_a_share_of_the_layers_is_kept_at_least_one_and_never_all(layers, share, kept):
    assert kept_count(layers, share) == kept


def test_an_encoder_of_one_layer_has_no_student():
    with pytest.raises(InputError, match=r"students = \{\}"):
        kept_count(1, 0.5)


def test_the_layer_without_which_nothing_changes_goes_first(encoder):
    without_effect(layer_stack(encoder)[2])

    order = drop_order(encoder, TEXTS)

    assert order[0] == 2
    assert len(order) == len(set(order)) == 3


def test_seeking_the_order_leaves_the_encoder_as_it_was(encoder):
    before = encoder.encode(TEXTS, kind="document")

    drop_order(encoder, TEXTS)

    assert (encoder.encode(TEXTS, kind="document") == before).all()


def test_a_student_without_the_idle_layer_gives_the_teachers_vectors(encoder, model):
    without_effect(layer_stack(encoder)[2])

    student = student_of(model, [0, 3, 1])

    assert same_vectors(encoder, TorchEncoder.wrap(encoder.base, student), TEXTS) < 1e-5
    assert len(layer_stack(encoder)) == 4
    small = TorchEncoder.wrap(encoder.base, student)
    assert small.module.transformer.config.num_hidden_layers == 3


def test_training_a_student_leaves_its_teacher(encoder, model):
    student = student_of(model, [0, 1])
    with torch.no_grad():
        for parameter in student.parameters():
            parameter.add_(1.0)

    assert float(next(encoder.module.parameters()).detach().abs().mean()) < 0.5


def test_layers_elsewhere_than_berts_are_refused_by_name(encoder):
    encoder.module.transformer.encoder = nn.Identity()

    with pytest.raises(InputError, match="is a bert, whose layers cannot be dropped"):
        layer_stack(encoder)
