"""Labels that allow several classes, and the loss by them."""

import numpy as np
import pytest
import torch

from relatum_export.training.association_head.calibration import best_temperature, nll_of_logits
from relatum_export.training.association_head.classes import (
    CLASSES,
    Label,
    allowed_classes,
    trained_classes,
)
from relatum_export.training.association_head.member import label_weights, set_loss


def targets(*labels):
    rows = np.zeros((len(labels), len(Label)), np.float32)
    rows[np.arange(len(labels)), list(labels)] = 1
    return rows


def test_the_first_labels_are_the_classes_in_their_order():
    assert [label.name.lower() for label in Label][: len(CLASSES)] == list(CLASSES)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ((Label.SAME, Label.NOT_SAME), {"unrelated", "same"}),
        ((Label.UNRELATED, Label.ALIKE), {"unrelated", "substitute"}),
        ((Label.UNRELATED,), {"unrelated"}),
        ((Label.SAME, Label.NOT_SAME, Label.COMPLEMENT), {"unrelated", "same", "complement"}),
    ],
)
def test_a_class_is_learned_where_a_label_speaks_for_it(labels, expected):
    trained = trained_classes(targets(*labels))

    assert {name for name, there in zip(CLASSES, trained, strict=True) if there} == expected


def test_the_likelihood_of_a_set_of_classes_is_the_sum_of_theirs():
    logits = torch.log(torch.tensor([[0.5, 0.2, 0.2, 0.1]]))
    ones = torch.ones(len(Label))
    allowed = torch.from_numpy(allowed_classes())

    not_same = set_loss(logits, torch.from_numpy(targets(Label.NOT_SAME)), ones, allowed)
    alike = set_loss(logits, torch.from_numpy(targets(Label.ALIKE)), ones, allowed)

    assert not_same.item() == pytest.approx(-np.log(0.8), abs=1e-6)
    assert alike.item() == pytest.approx(-np.log(0.4), abs=1e-6)
    assert nll_of_logits(logits.numpy(), targets(Label.ALIKE)) == pytest.approx(-np.log(0.4))


def test_rare_labels_weigh_more_and_a_pair_weighs_one_on_average():
    observed = targets(*[Label.UNRELATED] * 9, Label.SUBSTITUTE)

    balanced, alike = label_weights(observed, 1.0), label_weights(observed, 0.0)

    assert balanced[Label.SUBSTITUTE] == pytest.approx(9 * balanced[Label.UNRELATED])
    assert (observed @ balanced).mean() == pytest.approx(1)
    assert alike[Label.SUBSTITUTE] == alike[Label.UNRELATED] == pytest.approx(1)
    assert balanced[Label.COMPLEMENT] == 0


def test_the_temperature_takes_back_confidence_that_is_not_deserved():
    rng = np.random.default_rng(0)
    honest = rng.normal(0, 2, (4_000, len(CLASSES)))
    p = np.exp(honest) / np.exp(honest).sum(1, keepdims=True)
    truth = (p.cumsum(1) > rng.random((len(p), 1))).argmax(1)

    found = best_temperature(3 * honest, targets(*truth))

    assert found == pytest.approx(3, rel=0.1)
