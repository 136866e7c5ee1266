"""The answer head: what it learns, how it goes on, and its graphs beside PyTorch."""

import numpy as np
import pytest
import torch

from relatum.artifact.v1 import manifest_pb2
from relatum_export.artifact.answer_head import add_answer_head
from relatum_export.artifact.answer_space import AnswerSpace
from relatum_export.console import Reporter
from relatum_export.errors import InputError
from relatum_export.training.answer_head import fitting
from relatum_export.training.answer_head.data import AnswerData
from relatum_export.training.answer_head.fitting import fit_head
from relatum_export.training.answer_head.head import AnswerHead, AnswerShape
from relatum_export.training.answer_head.saved import SavedAnswers
from relatum_export.training.answer_head.settings import AnswerSettings
from relatum_export.training.answer_head.training import found, moved, standard_error
from tests.unit.export.training.answer_head.service_shops import (
    DIMENSION,
    TopicEncoder,
    service_shop,
)

SMALL = AnswerSettings(members=2, hidden=32, epochs=12, batch_questions=32, dropout=0.1)
QUIET = Reporter(as_json=True)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return AnswerData.read(service_shop(tmp_path_factory.mktemp("shop")), TopicEncoder())


@pytest.fixture(scope="module")
def fitted(data, tmp_path_factory):
    return fit_head(data, SMALL, tmp_path_factory.mktemp("run"), QUIET)


def test_replies_that_do_not_read_like_their_questions_are_found(data, fitted):
    head, curve = fitted

    before = found(data.valid, data.valid.questions, data.valid.replies)
    after = found(data.valid, *moved(head, data.valid))

    assert after.mean() > before.mean() + 0.3
    assert curve[0]["valid_loss"] > min(row["valid_loss"] for row in curve)


def test_the_members_begin_from_seeds_of_their_own(fitted):
    first, second = fitted[0].members

    assert not torch.equal(first.question.residual[1].weight, second.question.residual[1].weight)


def test_the_same_seed_gives_the_same_head(data, fitted, tmp_path):
    again, _ = fit_head(data, SMALL, tmp_path, QUIET)

    for name, tensor in again.state_dict().items():
        assert torch.equal(tensor, fitted[0].state_dict()[name]), name


def test_a_run_that_goes_on_trains_the_missing_members_alone(data, fitted, tmp_path, monkeypatch):
    fit_head(data, SMALL.model_copy(update={"members": 1}), tmp_path, QUIET)
    trained = []
    whole = fitting._fit_member

    def watched(number, *given, **named):
        trained.append(number)
        return whole(number, *given, **named)

    monkeypatch.setattr(fitting, "_fit_member", watched)

    head, curve = fit_head(data, SMALL, tmp_path, QUIET)

    assert trained == [1]
    assert curve == fitted[1]
    for name, tensor in head.state_dict().items():
        assert torch.equal(tensor, fitted[0].state_dict()[name]), name


def test_a_loss_that_is_no_number_stops_with_a_remedy(data, tmp_path):
    with pytest.raises(InputError, match="lower learning_rate"):
        fit_head(data, SMALL.model_copy(update={"temperature": 1e-45}), tmp_path, QUIET)


def test_a_single_valid_question_proves_nothing():
    assert standard_error(np.array([1.0])) is None
    assert standard_error(np.array([1.0, 0.0])) == pytest.approx(0.5)


def test_of_many_replies_a_step_has_its_own_and_a_draw():
    own = np.array([3, 900])

    chosen = fitting._choices(own, 1_000, 50, np.random.default_rng(0))

    assert set(own) <= set(chosen.tolist())
    assert 50 <= len(chosen) <= 52
    assert (np.diff(chosen) > 0).all()


def saved(*, helps=True):
    torch.manual_seed(0)
    head = AnswerHead(AnswerShape(DIMENSION, 8, 3))
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return SavedAnswers(head.eval(), {"helps": helps, "questions": 480})


def test_the_graphs_compare_as_pytorch_does(tmp_path):
    manifest, one = manifest_pb2.Manifest(), saved()

    add_answer_head(one, DIMENSION, tmp_path, manifest)
    space = AnswerSpace.read(tmp_path, manifest)
    assert space is not None

    vectors = TopicEncoder().encode([f"x {i} y" for i in range(5)], kind="query")
    cosines = []
    for member in one.head.members:
        with torch.inference_mode():
            q, p = (side(torch.from_numpy(vectors)) for side in (member.question, member.passage))
        cosines.append((q @ p.T).numpy())
    assert np.allclose(
        space.questions(vectors) @ space.passages(vectors).T, np.mean(cosines, axis=0), atol=1e-5
    )
    assert manifest.answer_head.dimension == 3 * DIMENSION
    assert manifest.answer_head.questions == 480


def test_a_head_that_valid_found_no_better_is_left_out(tmp_path):
    manifest = manifest_pb2.Manifest()

    measured = add_answer_head(saved(helps=False), DIMENSION, tmp_path, manifest)

    assert "no better" in measured["left_out"]
    assert not manifest.HasField("answer_head")
    assert AnswerSpace.read(tmp_path, manifest) is None
    assert list(tmp_path.iterdir()) == []


def test_a_head_of_another_encoder_is_refused(tmp_path):
    with pytest.raises(InputError, match="16 numbers, and the encoder's have 384"):
        add_answer_head(saved(), 384, tmp_path, manifest_pb2.Manifest())
