"""Averaging the base's weights with the tuned ones."""

import pytest
import torch
from torch import nn

from relatum_export.training.averaging import Score, choose_average, snapshot


class PeakAt:
    """A measure that is best where the weight equals `peak`, and harmless up to `harmless`."""

    def __init__(self, module, peak, harmless=1.0):
        self.module, self.peak, self.harmless, self.calls = module, peak, harmless, 0

    def __call__(self):
        self.calls += 1
        weight = float(self.module.weight.detach())
        return Score(abs(self.peak) - abs(weight - self.peak), weight <= self.harmless)


@pytest.fixture
def module():
    module = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        module.weight.fill_(0.0)
    return module


def tuned_weights():
    return {"weight": torch.ones((1, 1))}


@pytest.mark.parametrize(
    ("peak", "ratio"), [(0.5, 0.5), (0.9, 1.0), (0.8, 0.75), (0.2, 0.25), (-1.0, 0.0)]
)
def test_the_share_that_is_best_on_valid_is_kept(module, peak, ratio):
    measure = PeakAt(module, peak)

    averaged = choose_average(module, snapshot(module), tuned_weights(), measure)

    assert averaged.ratio == ratio
    assert float(module.weight.detach()) == ratio
    assert measure.calls == 3


def test_the_share_nearer_to_the_base_wins_a_tie(module):
    averaged = choose_average(module, snapshot(module), tuned_weights(), PeakAt(module, 0.375))

    assert averaged.ratio == 0.25


def test_a_share_that_harms_a_corpus_is_not_taken_whatever_it_gains(module):
    measure = PeakAt(module, 1.0, harmless=0.6)

    averaged = choose_average(module, snapshot(module), tuned_weights(), measure)

    assert averaged.ratio == 0.5
    assert averaged.scores[1.0].gain > averaged.scores[0.5].gain


def test_a_known_score_is_not_measured_again(module):
    measure = PeakAt(module, 0.5)

    choose_average(module, snapshot(module), tuned_weights(), measure, known={1.0: Score(0.0)})

    assert measure.calls == 2


def test_without_a_metric_the_weights_are_averaged_half_and_half(module):
    averaged = choose_average(module, snapshot(module), tuned_weights(), None)

    assert (averaged.ratio, float(module.weight.detach())) == (0.5, 0.5)


def test_a_snapshot_does_not_follow_the_module(module):
    before = snapshot(module)
    with torch.no_grad():
        module.weight.fill_(9.0)

    assert float(before["weight"]) == 0.0
