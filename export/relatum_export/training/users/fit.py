"""The fitting loop: passes over the histories, each judged on valid, checkpointed and resumable."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.utils.tensorboard import SummaryWriter

from relatum_export.console import Reporter
from relatum_export.errors import InputError
from relatum_export.training.users.batches import Batch, BatchMaker
from relatum_export.training.users.candidates import Candidates
from relatum_export.training.users.checkpoint import (
    Checkpoints,
    Progress,
    optimizer_tensors,
    restore_optimizer,
)
from relatum_export.training.users.model import UserModel
from relatum_export.training.users.ranking import MEASURE, ValidRanking
from relatum_export.training.users.settings import UserSettings
from relatum_export.training.users.softmax import cross_entropy

AVERAGE = "average."
MODEL = "model."


@dataclass(frozen=True, slots=True)
class Fitted:
    """The result of a fit; the model holds the weights of the best pass.

    Attributes:
        history: one row a pass.
        best: its number, from 1.
    """

    history: tuple[Mapping[str, float], ...]
    best: int


class Fit:
    """Fits a model.

    Args:
        model: on the CPU or one GPU.
        settings: how.
        batches: what.
        counts: events of each item in the fit, int64 [items].
        ranking: judged after each pass; None for a fit of exactly ``settings.epochs`` passes.
        folder: of the run, for `checkpoints/` and `tensorboard/`.
        reporter: for progress.
    """

    def __init__(
        self,
        *,
        model: UserModel,
        settings: UserSettings,
        batches: BatchMaker,
        counts: NDArray[np.int64],
        ranking: ValidRanking | None,
        folder: Path,
        reporter: Reporter,
    ) -> None:
        self._model = model
        self._settings = settings
        self._batches = batches
        self._ranking = ranking
        self._folder = folder
        self._reporter = reporter
        negatives = settings.sampled_items(int((counts > 0).sum()))
        self._candidates = Candidates(counts, negatives, settings.label_smoothing)
        self._checkpoints = Checkpoints(folder / "checkpoints")
        self._names: Mapping[torch.Tensor, str] = {
            parameter: name for name, parameter in model.named_parameters()
        }
        self._optimizer = _optimizer(model, settings)
        self._device = model.items.id.device
        decay = settings.id_decay / np.sqrt(1.0 + counts)
        self._id_decay = torch.from_numpy(decay.astype(np.float32)).to(self._device)
        self._average = {k: v.detach().clone() for k, v in model.named_parameters()}

    def run(self) -> Fitted:
        """Go on from the last checkpoint to the end.

        Raises:
            InputError: the loss is not finite.
        """
        progress = self._resume()
        with SummaryWriter(str(self._folder / "tensorboard"), purge_step=progress.epoch + 1) as log:
            while progress.epoch < self._settings.epochs and not self._stopped(progress):
                progress = self._pass(progress)
                row = progress.history[-1]
                for key, value in row.items():
                    log.add_scalar(key, value, progress.epoch)
                self._reporter.info(_line(row))
        kept = progress.best or progress.epoch
        weights = self._checkpoints.weights(kept)
        prefix = AVERAGE if self._settings.average else MODEL
        for name, parameter in self._model.named_parameters():
            parameter.data.copy_(weights[prefix + name])
        self._model.eval()
        return Fitted(progress.history, kept)

    def _stopped(self, progress: Progress) -> bool:
        return self._ranking is not None and (
            progress.epoch - progress.best >= self._settings.patience and progress.epoch > 0
        )

    def _resume(self) -> Progress:
        found = self._checkpoints.last()
        if found is None:
            return Progress(0, 0, (), 0)
        progress, tensors = found
        for name, parameter in self._model.named_parameters():
            parameter.data.copy_(tensors[MODEL + name])
            if self._settings.average:
                self._average[name].copy_(tensors[AVERAGE + name])
        restore_optimizer(self._optimizer, self._names, tensors)
        self._reporter.info(f"going on after pass {progress.epoch}")
        return progress

    def _pass(self, before: Progress) -> Progress:
        epoch, started = before.epoch + 1, time.monotonic()
        # Draws depend on the pass's number, not on what ran before, so that resuming repeats them.
        torch.manual_seed(self._settings.seed * 100_003 + epoch)
        rng = np.random.default_rng([self._settings.seed, epoch, 1])
        self._model.train()
        step, total, rows = before.step, 0.0, 0
        label = f"pass {epoch}"
        with self._reporter.progress(label, len(self._batches.windows)) as advance:
            for number, batch in enumerate(self._batches.epoch(epoch), start=1):
                step += 1
                total += self._step(batch, step, rng, (epoch, number)) * len(batch.window)
                rows += len(batch.window)
                advance(len(batch.shoppers))
        if not all(bool(torch.isfinite(p).all()) for p in self._model.parameters()):
            raise self._broken("a weight is not finite", batch, (epoch, number))
        row = {"epoch": float(epoch), "loss": total / max(rows, 1)}
        row["seconds"] = time.monotonic() - started
        best = before.best
        if self._ranking is not None:
            row |= self._judge(self._ranking)
            seen = [past[MEASURE] for past in before.history]
            best = epoch if row[MEASURE] > max(seen, default=-1.0) else best
        after = Progress(epoch, step, (*before.history, row), best)
        self._save(after)
        return after

    def _step(
        self, batch: Batch, step: int, rng: np.random.Generator, place: tuple[int, int]
    ) -> float:
        settings, device = self._settings, self._device
        pool = self._candidates.of(batch, rng)
        rows, read = _with_history(pool.rows, pool.column, batch.items)
        vectors = self._model.items(rows.to(device))
        states = self._model.encoder.states(vectors[read.to(device)], batch.gap_days.to(device))
        queries = states[batch.window.to(device), batch.place.to(device)]
        candidates, wanted = vectors[: len(pool.rows)], pool.wanted.to(device)
        loss = cross_entropy(queries, candidates, 1.0 / settings.temperature, wanted)
        value = float(loss.detach())
        if not math.isfinite(value):
            raise self._broken(f"the loss is {value}", batch, place)
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call,unused-ignore]
        rate = settings.learning_rate * min(1.0, step / max(1, settings.warm_up))
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.step()
        with torch.no_grad():
            if settings.id_decay:
                self._model.items.id.mul_(1.0 - rate * self._id_decay[:, None])
            if settings.average:
                share = min(settings.average, (1 + step) / (10 + step))
                for name, parameter in self._model.named_parameters():
                    self._average[name].lerp_(parameter, 1.0 - share)
        return value

    def _broken(self, what: str, batch: Batch, place: tuple[int, int]) -> InputError:
        epoch, number = place
        kept = f"pass {epoch - 1} is kept in {self._folder / 'checkpoints'}"
        return InputError(
            f"{what} in batch {number} of pass {epoch} (shoppers "
            f"{', '.join(batch.shoppers[:3])}, ...); lower learning_rate or raise temperature; "
            + (kept if epoch > 1 else "no pass was finished")
        )

    def _judge(self, ranking: ValidRanking) -> dict[str, float]:
        """The valid figures of the weights that would be kept."""
        if not self._settings.average:
            return ranking.measure(self._model.encoder, self._model.item_vectors())
        own = {name: p.detach().clone() for name, p in self._model.named_parameters()}
        try:
            self._set(self._average)
            return ranking.measure(self._model.encoder, self._model.item_vectors())
        finally:
            self._set(own)

    def _set(self, weights: Mapping[str, torch.Tensor]) -> None:
        for name, parameter in self._model.named_parameters():
            parameter.data.copy_(weights[name])

    def _save(self, progress: Progress) -> None:
        tensors = {MODEL + n: p.detach() for n, p in self._model.named_parameters()}
        if self._settings.average:
            tensors |= {AVERAGE + n: value for n, value in self._average.items()}
        tensors |= optimizer_tensors(self._optimizer, self._names)
        self._checkpoints.save(progress, tensors)


def _with_history(
    rows: torch.Tensor, column: torch.Tensor, items: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Candidates and, after them, the items read that are none; where each item read stands."""
    others = torch.unique(items[column[items] < 0])
    if not len(others):
        return rows, column[items]
    column = column.clone()
    column[others] = len(rows) + torch.arange(len(others))
    return torch.cat([rows, others]), column[items]


def _optimizer(model: UserModel, settings: UserSettings) -> torch.optim.Optimizer:
    tables = {"items.id", "encoder.position.weight", "encoder.gap.weight"}
    matrices: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        (matrices if parameter.ndim > 1 and name not in tables else others).append(parameter)
    groups = [
        {"params": matrices, "weight_decay": settings.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=settings.learning_rate, fused=True)


def _line(row: Mapping[str, float]) -> str:
    figures = [
        f"{key} {value:.4f}" for key, value in row.items() if key not in {"epoch", "seconds"}
    ]
    return f"pass {int(row['epoch'])} ({row['seconds']:.0f} s): {', '.join(figures)}"
