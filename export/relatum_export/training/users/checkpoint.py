"""A fit's state after each pass, from which it goes on as if it had never stopped."""

import errno
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from relatum_export.errors import InputError

WEIGHTS = "state.safetensors"
STATE = "state.json"
NO_SPACE = os.strerror(errno.ENOSPC)
Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a fit has come.

    Attributes:
        epoch: passes done.
        step: optimiser's steps done.
        history: one row a pass: epoch, loss, seconds and the valid figures.
        best: the pass with the highest valid figure so far; 0 before the first.
    """

    epoch: int
    step: int
    history: tuple[Mapping[str, float], ...]
    best: int


class Checkpoints:
    """One folder a pass; the last and the best are kept.

    Args:
        folder: `checkpoints/` of the run.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, progress: Progress, tensors: Tensors) -> None:
        """Write a pass whole or not at all, then drop those that are neither last nor best.

        Raises:
            InputError: the disk is full.
        """
        building = self._folder / ".building"
        shutil.rmtree(building, ignore_errors=True)
        try:
            building.mkdir(parents=True)
            save_file(tensors, building / WEIGHTS)
            state = {
                "epoch": progress.epoch,
                "step": progress.step,
                "history": list(progress.history),
                "best": progress.best,
            }
            (building / STATE).write_text(json.dumps(state), encoding="utf-8")
        except (OSError, SafetensorError) as error:
            shutil.rmtree(building, ignore_errors=True)
            if NO_SPACE in str(error):
                raise InputError(
                    f"no space is left for a checkpoint in {self._folder}; free some and run the "
                    "command again to go on from the last one"
                ) from error
            raise
        target = self._path(progress.epoch)
        shutil.rmtree(target, ignore_errors=True)
        building.rename(target)
        for path in self._folder.glob("epoch-*"):
            if path not in {target, self._path(progress.best)}:
                shutil.rmtree(path)

    def last(self) -> tuple[Progress, Tensors] | None:
        """The newest complete pass, or None."""
        found = sorted(self._folder.glob(f"epoch-*/{STATE}"))
        if not found:
            return None
        state: dict[str, Any] = json.loads(found[-1].read_text(encoding="utf-8"))
        progress = Progress(state["epoch"], state["step"], tuple(state["history"]), state["best"])
        return progress, load_file(found[-1].parent / WEIGHTS)

    def weights(self, epoch: int) -> Tensors:
        """The tensors of a pass that is kept."""
        tensors: Tensors = load_file(self._path(epoch) / WEIGHTS)
        return tensors

    def _path(self, epoch: int) -> Path:
        return self._folder / f"epoch-{epoch:04d}"


def optimizer_tensors(
    optimizer: torch.optim.Optimizer, names: Mapping[torch.Tensor, str]
) -> Tensors:
    """The optimizer's state by parameter: `optimizer.PARAMETER.KEY`."""
    return {
        f"optimizer.{names[parameter]}.{key}": value
        for parameter, state in optimizer.state.items()
        for key, value in state.items()
    }


def restore_optimizer(
    optimizer: torch.optim.Optimizer, names: Mapping[torch.Tensor, str], tensors: Tensors
) -> None:
    """The inverse of ``optimizer_tensors``."""
    for parameter, name in names.items():
        prefix = f"optimizer.{name}."
        state = {
            key.removeprefix(prefix): value.to(parameter.device)
            for key, value in tensors.items()
            if key.startswith(prefix)
        }
        if state:
            optimizer.state[parameter] = state
