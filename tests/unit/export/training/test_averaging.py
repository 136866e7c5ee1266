"""Averaging the base's weights with the tuned ones."""

import pytest
import torch
from torch import nn

from relatum_export.training.averaging import choose_average, snapshot


class NoEncoder:
    """Stands where an encoder must; the fake metric looks at the weights."""

    dimension = 1
    text_form = None

    def encode(self, texts, *, kind, progress=None):
        raise NotImplementedError


ENCODER = NoEncoder()


class PeakAt:
    """A metric that is best where the weight equals `peak`."""

    name = "fake"

    def __init__(self, module, peak):
        self.module, self.peak, self.calls = module, peak, 0

    def measure(self, encoder):
        self.calls += 1
        return 1 - abs(float(self.module.weight.detach()) - self.peak)


@pytest.fixture
def module():
    module = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        module.weight.fill_(0.0)
    return module


def tuned_weights():
    return {"weight": torch.ones((1, 1))}


@pytest.mark.parametrize(("peak", "ratio"), [(0.5, 0.5), (0.9, 1.0), (-1.0, 0.0)])
def test_the_share_that_is_best_on_valid_is_kept(module, peak, ratio):
    averaged = choose_average(
        module, snapshot(module), tuned_weights(), ENCODER, PeakAt(module, peak)
    )

    assert averaged.ratio == ratio
    assert float(module.weight.detach()) == ratio


def test_the_share_nearer_to_the_base_wins_a_tie(module):
    averaged = choose_average(
        module, snapshot(module), tuned_weights(), ENCODER, PeakAt(module, 0.375)
    )

    assert averaged.ratio == 0.25


def test_a_known_score_is_not_measured_again(module):
    metric = PeakAt(module, 0.5)

    choose_average(module, snapshot(module), tuned_weights(), ENCODER, metric, known={0.0: 0.5})

    assert metric.calls == 4


def test_without_a_metric_the_weights_are_averaged_half_and_half(module):
    averaged = choose_average(module, snapshot(module), tuned_weights(), ENCODER, None)

    assert (averaged.ratio, float(module.weight.detach())) == (0.5, 0.5)


def test_a_snapshot_does_not_follow_the_module(module):
    before = snapshot(module)
    with torch.no_grad():
        module.weight.fill_(9.0)

    assert float(before["weight"]) == 0.0
