"""Fitting a module on batches of its own making with the trainer of transformers.

Used where the loss is not one of sentence-transformers': language modelling and distillation. The
trainer gives checkpoints, an exact resume, the schedule and TensorBoard; here stand the refusal of
a loss that is not finite, and the moving bar.
"""

import errno
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn
from torch.utils.data import Dataset
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments, set_seed

from relatum_export.console import Reporter
from relatum_export.errors import InputError

Collate = Callable[[list[Any]], dict[str, torch.Tensor]]
KEPT_CHECKPOINTS = 2
CHECKPOINTS_PER_RUN = 10
EVAL = "eval_"  # TensorBoard shows what begins so apart from the training loss


@dataclass(frozen=True, slots=True)
class FitSettings:
    """How to fit.

    Attributes:
        epochs: passes over the rows.
        batch_size: rows a step.
        learning_rate: peak; it rises over ``warm_up`` and falls to 0.
        warm_up: share of the steps.
        weight_decay: of AdamW, as the trainer applies it.
        seed: of every draw.
        schedule: how the rate falls, as transformers names it.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    warm_up: float
    weight_decay: float
    seed: int
    schedule: Literal["linear", "cosine"] = "linear"


class Rows(Dataset[Any]):
    """A sequence as the trainer takes it."""

    def __init__(self, rows: Sequence[Any]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, at: int) -> Any:
        return self._rows[at]


def fit(
    module: nn.Module,
    rows: Sequence[Any],
    collate: Collate,
    settings: FitSettings,
    *,
    folder: Path,
    measure: Callable[[], Mapping[str, float]],
    reporter: Reporter,
) -> list[dict[str, float]]:
    """Train ``module`` in place, from the newest checkpoint in ``folder`` if there is one.

    Args:
        module: its forward takes what ``collate`` gives and returns ``{"loss": ...}``.
        rows: what to learn from.
        collate: rows to the arguments of forward.
        settings: see ``FitSettings``.
        folder: for `checkpoints/` and `tensorboard/`.
        measure: figures on what was held out, taken at each checkpoint.
        reporter: for progress.

    Returns:
        One row a measurement: the step and the figures, those of before a resume included.

    Raises:
        InputError: a loss that is not finite, or a full disk; checkpoints until then stay.
    """
    set_seed(settings.seed)
    steps = settings.epochs * math.ceil(len(rows) / settings.batch_size)
    every = max(1, steps // CHECKPOINTS_PER_RUN)
    checkpoints = folder / "checkpoints"
    with reporter.progress("training steps", steps) as advance:
        watch = _Watch(advance, measure, every)
        trainer = _Trainer(
            model=module,
            args=_arguments(settings, folder, every),
            train_dataset=Rows(rows),
            data_collator=collate,
            callbacks=[watch],
        )
        trainer.model_accepts_loss_kwargs = False  # forward takes what collate gives, no more
        watch.log = trainer.log
        trainer.remove_callback(PrinterCallback)  # standard output is the command's result
        last = newest_checkpoint(checkpoints)
        if last is not None:
            reporter.info(f"resuming from {last}")
        with warnings.catch_warnings():
            # Checkpoints of short runs are less than a second apart; they go by number then.
            warnings.filterwarnings("ignore", "mtime may not be reliable", UserWarning)
            _run(trainer, last, checkpoints)
    rows_logged = trainer.state.log_history
    return [
        {"step": row["step"], **{k.removeprefix(EVAL): row[k] for k in row if k.startswith(EVAL)}}
        for row in rows_logged
        if any(key.startswith(EVAL) for key in row)
    ]


def _run(trainer: Trainer, last: str | None, checkpoints: Path) -> None:
    """Train; where a checkpoint finds no room on the disk, say so and keep the one before."""
    try:
        trainer.train(resume_from_checkpoint=last)
    except (OSError, RuntimeError) as error:
        full = isinstance(error, OSError) and error.errno == errno.ENOSPC
        if not full and "PytorchStreamWriter" not in str(error):
            raise
        raise InputError(
            f"no checkpoint could be written to {checkpoints} ({str(error).splitlines()[0]}); make "
            f"room on the disk and run again, from {newest_checkpoint(checkpoints) or 'the start'}"
        ) from error


def newest_checkpoint(checkpoints: Path) -> str | None:
    """The newest complete checkpoint: the trainer writes its state last."""
    found = [path.parent for path in checkpoints.glob("checkpoint-*/trainer_state.json")]
    newest = max(found, key=lambda path: int(path.name.rpartition("-")[2]), default=None)
    return str(newest) if newest else None


def _arguments(settings: FitSettings, folder: Path, every: int) -> TrainingArguments:
    return TrainingArguments(
        output_dir=str(folder / "checkpoints"),
        logging_dir=str(folder / "tensorboard"),
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
        warmup_ratio=settings.warm_up,
        lr_scheduler_type=settings.schedule,
        weight_decay=settings.weight_decay,
        seed=settings.seed,
        data_seed=settings.seed,
        save_strategy="steps",
        save_steps=every,
        save_total_limit=KEPT_CHECKPOINTS,
        save_safetensors=False,  # safetensors refuses weights that two layers share
        logging_steps=10,
        report_to=["tensorboard"],
        disable_tqdm=True,
        remove_unused_columns=False,  # rows are no dictionaries
        dataloader_pin_memory=torch.cuda.is_available(),
        fp16=False,
        bf16=False,
    )


class _Trainer(Trainer):
    """Stops at a loss that is not finite, before it reaches the weights."""

    def compute_loss(
        self, model: nn.Module, inputs: dict[str, Any], *args: Any, **more: Any
    ) -> Any:
        loss = super().compute_loss(model, inputs, *args, **more)
        if not torch.isfinite(loss[0] if isinstance(loss, tuple) else loss).all():
            state = self.state
            last = newest_checkpoint(Path(str(self.args.output_dir)))
            raise InputError(
                f"the loss of batch {state.global_step + 1} of {state.max_steps} (epoch "
                f"{int(state.epoch or 0) + 1}) is not finite; lower learning_rate, or look for a "
                f"broken text in it; the last good checkpoint is {last or 'none yet'}"
            )
        return loss


class _Watch(TrainerCallback):
    """Moves the bar; measures where a checkpoint is about to be written, and logs it there."""

    log: Callable[[dict[str, float]], None]

    def __init__(
        self, advance: Callable[[int], None], measure: Callable[[], Mapping[str, float]], every: int
    ) -> None:
        self._advance = advance
        self._measure = measure
        self._every = every
        self._step = 0

    def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        self._advance(state.global_step - self._step)
        self._step = state.global_step
        if state.global_step % self._every == 0 or state.global_step == state.max_steps:
            module = more["model"]
            module.eval()
            with torch.inference_mode():
                found = self._measure()
            module.train()
            self.log({f"{EVAL}{name}": value for name, value in found.items()})
