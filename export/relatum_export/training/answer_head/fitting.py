"""Fitting the members of an answer head, each from its own seed."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.utils.tensorboard import SummaryWriter

from relatum_export.atomic_file import write_text
from relatum_export.console import Reporter
from relatum_export.errors import InputError
from relatum_export.training.answer_head.data import AnswerData, Asked
from relatum_export.training.answer_head.head import AnswerHead, AnswerShape, Member
from relatum_export.training.answer_head.settings import AnswerSettings
from relatum_export.training.run import CHECKPOINTS

WARM_UP = 0.1  # of the steps
SEED_STEP = 1_000  # between members
Curve = list[dict[str, float]]


def fit_head(
    data: AnswerData, settings: AnswerSettings, folder: Path, reporter: Reporter
) -> tuple[AnswerHead, Curve]:
    """Fit all members; a run that goes on loads those that are done from its checkpoints.

    Args:
        data: see ``AnswerData``.
        settings: see ``AnswerSettings``.
        folder: of the run.
        reporter: for progress.

    Returns:
        The head, ready to answer, and one row an epoch: member, epoch, loss, valid loss.

    Raises:
        InputError: the loss is not finite.
    """
    dimension = data.train.questions.shape[1]
    shape = AnswerShape(dimension, settings.hidden, settings.members, settings.dropout)
    head = AnswerHead(shape)
    curve: Curve = []
    checkpoints = folder / CHECKPOINTS
    checkpoints.mkdir(parents=True, exist_ok=True)
    with reporter.progress("fit answer heads", settings.members) as advance:
        for number, member in enumerate(head.members):
            file = checkpoints / f"member-{number}.safetensors"
            if not file.is_file():
                _fit_member(number, data, shape, settings, folder=folder, file=file)
            member.load_state_dict(load_file(file))
            curve += json.loads(_curve_of(file).read_text(encoding="utf-8"))
            advance(1)
    return head.eval(), curve


def _fit_member(
    number: int,
    data: AnswerData,
    shape: AnswerShape,
    settings: AnswerSettings,
    *,
    folder: Path,
    file: Path,
) -> None:
    seed = settings.seed * SEED_STEP + number
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        member = Member(shape)
        fit = _Fit(member, data, settings, seed=seed)
        best, curve = fit.run(folder / "tensorboard" / f"member-{number}")
    rows = [{"member": number, **row} for row in curve]
    write_text(_curve_of(file), json.dumps(rows))
    # The weights last: where they are, the member is done.
    part = file.with_suffix(".part")
    save_file({name: tensor.contiguous() for name, tensor in best.items()}, part)
    part.replace(file)


def _curve_of(file: Path) -> Path:
    return file.with_suffix(".json")


class _Fit:
    """Trains one member and keeps the weights with the lowest valid loss."""

    def __init__(
        self, member: Member, data: AnswerData, settings: AnswerSettings, *, seed: int
    ) -> None:
        self._member, self._valid, self._settings = member, data.valid, settings
        self._train = _Tensors(data.train)
        member.question.mean.copy_(self._train.questions.mean(0))
        member.passage.mean.copy_(self._train.replies.mean(0))
        # How often a reply is given is learned apart, so that the vectors need not say it.
        self._prior = torch.nn.Parameter(torch.tensor(0.0))
        self._optimizer = torch.optim.AdamW(
            [*member.parameters(), self._prior],
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
        )
        steps = settings.epochs * -(-len(self._train.right) // settings.batch_questions)
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(
            self._optimizer, settings.learning_rate, total_steps=steps, pct_start=WARM_UP
        )
        self._draw = np.random.default_rng(seed)

    def run(self, tensorboard: Path) -> tuple[dict[str, Tensor], Curve]:
        """The best weights, and one row an epoch."""
        best, lowest, since = copy.deepcopy(self._member.state_dict()), np.inf, 0
        curve: Curve = []
        with SummaryWriter(str(tensorboard)) as writer:
            for epoch in range(1, self._settings.epochs + 1):
                row = {"epoch": epoch, "loss": self._epoch(epoch)}
                row["valid_loss"] = valid_loss(
                    self._member, self._valid, self._settings.temperature
                )
                for name in ("loss", "valid_loss"):
                    writer.add_scalar(name, row[name], epoch)
                curve.append(row)
                since += 1
                if row["valid_loss"] < lowest:
                    best, lowest = copy.deepcopy(self._member.state_dict()), row["valid_loss"]
                    since = 0
                if since >= self._settings.patience:
                    break
        return best, curve

    def _epoch(self, epoch: int) -> float:
        """Mean loss of a pass over the questions."""
        member, train = self._member.train(), self._train
        losses = []
        for questions, replies, right in _steps(train, self._settings, self._draw):
            x = member.question(train.questions[questions])
            y = member.passage(train.replies[replies])
            scores = x @ y.T / self._settings.temperature
            loss = cross_entropy(scores + self._prior * train.log_counts[replies], right)
            losses.append(float(loss.detach()))
            if not np.isfinite(losses[-1]):
                raise InputError(
                    f"the loss is {losses[-1]} in epoch {epoch} of an answer head; give a lower "
                    "learning_rate with another --out, or --no-resume"
                )
            self._optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()
            self._schedule.step()
        return float(np.mean(losses))


class _Tensors:
    """Questions and replies of train, for torch."""

    def __init__(self, asked: Asked) -> None:
        self.questions = torch.from_numpy(asked.questions)
        self.replies = torch.from_numpy(asked.replies)
        self.right = asked.right
        self.log_counts = torch.from_numpy(np.log(asked.counts))


def _steps(
    train: _Tensors, settings: AnswerSettings, draw: np.random.Generator
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Rows of a step's questions, rows of the replies they choose among, each one's place there."""
    order = draw.permutation(len(train.right))
    for start in range(0, len(order), settings.batch_questions):
        questions = order[start : start + settings.batch_questions]
        replies = _choices(train.right[questions], len(train.replies), settings.max_replies, draw)
        right = np.searchsorted(replies, train.right[questions])
        yield torch.from_numpy(questions), torch.from_numpy(replies), torch.from_numpy(right)


def _choices(
    own: NDArray[np.int64], replies: int, most: int, draw: np.random.Generator
) -> NDArray[np.int64]:
    """Rows of replies, sorted: all, or of many the questions' own and a draw of the others."""
    if replies <= most:
        return np.arange(replies)
    others = draw.choice(replies, most, replace=False)
    return np.union1d(own, others)


def valid_loss(member: Member, valid: Asked, temperature: float) -> float:
    """Mean negative log-probability of the right reply in the pool."""
    member.eval()
    with torch.inference_mode():
        x = member.question(torch.from_numpy(valid.questions))
        y = member.passage(torch.from_numpy(valid.replies))
        return float(cross_entropy(x @ y.T / temperature, torch.from_numpy(valid.right)))
