"""The trainer of sentence-transformers, with what this recipe does at each step and checkpoint."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformerTrainer
from torch import Tensor, nn

from relatum_export.errors import InputError
from relatum_export.training.encoder_recipe.adapters import Adapter

WEIGHTS = "weights.safetensors"
ALLOCATION = "allocation.safetensors"
RANKS = "ranks.json"
NAMED_ROWS = 8


class RecipeTrainer(SentenceTransformerTrainer):
    """Stops at a loss that is no number, perturbs where asked to, keeps adapters in checkpoints.

    Args:
        adapter: what was put on the transformer, or None.
        adversarial_epsilon: length of the perturbation of a text's word embeddings; 0 for none.
        embeddings: the transformer's word embeddings.
    """

    def __init__(
        self,
        *,
        adapter: Adapter | None,
        adversarial_epsilon: float,
        embeddings: nn.Module,
        **given: Any,
    ) -> None:
        super().__init__(**given)
        self.adapter = adapter
        self.adversarial_epsilon = adversarial_epsilon
        self.embeddings = embeddings

    def training_step(self, model: nn.Module, inputs: dict[str, Any], *rest: Any) -> Tensor:
        """One step forward and back, a second time on perturbed embeddings where asked to.

        Raises:
            InputError: the loss is not a finite number.
        """
        batch = dict(inputs)
        if not self.adversarial_epsilon:
            loss: Tensor = super().training_step(model, inputs, *rest)
            self._refuse_no_number(loss, batch)
            return loss
        with watched(self.embeddings) as outputs:
            loss = super().training_step(model, inputs, *rest)
        self._refuse_no_number(loss, batch)
        with perturbed(self.embeddings, outputs, self.adversarial_epsilon):
            prepared = self._prepare_inputs(dict(batch))
            with self.compute_loss_context_manager():  # type: ignore[no-untyped-call]
                second = self.compute_loss(cast("Any", model), prepared)
            self.accelerator.backward(second)
        return loss

    def _refuse_no_number(self, loss: Tensor, batch: dict[str, Any]) -> None:
        if torch.isfinite(loss).all():
            return
        labels = batch["label"]
        rows = labels.tolist()[:NAMED_ROWS] if labels.ndim == 1 else []
        named = f", rows {', '.join(map(str, rows))} ..." if rows else ""
        raise InputError(
            f"the loss is {float(loss)} at step {self.state.global_step + 1}, in a batch of "
            f"{batch.get('dataset_name', 'the pairs')}{named}; the last checkpoint is kept: give a "
            "lower learning rate with another --out, or --no-resume to start anew"
        )

    def _sorted_checkpoints(self, *given: Any, **named: Any) -> list[str]:
        """By their steps: on a fast machine the times of two files do not tell them apart."""
        found: list[str] = super()._sorted_checkpoints(*given, **(named | {"use_mtime": False}))
        return found

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        """Write the weights, adapters and frozen ones included, so that any run can go on.

        Raises:
            InputError: a weight is not a finite number; the checkpoint before stays.
        """
        folder = Path(output_dir or str(self.args.output_dir))
        weights = {name: tensor.contiguous() for name, tensor in self.model.state_dict().items()}
        for name, tensor in weights.items():
            if tensor.is_floating_point() and not torch.isfinite(tensor).all():
                raise InputError(
                    f"{name} is not finite after step {self.state.global_step}; the checkpoint "
                    "before is kept: give a lower learning rate"
                )
        folder.mkdir(parents=True, exist_ok=True)
        save_file(weights, folder / WEIGHTS)
        allocation, ranks = self.adapter.state() if self.adapter is not None else ({}, {})
        save_file(allocation, folder / ALLOCATION)
        (folder / RANKS).write_text(json.dumps(ranks), encoding="utf-8")

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        folder = Path(resume_from_checkpoint)
        (self.model if model is None else model).load_state_dict(load_file(folder / WEIGHTS))
        if self.adapter is not None:
            ranks = json.loads((folder / RANKS).read_text(encoding="utf-8"))
            self.adapter.go_on(load_file(folder / ALLOCATION), ranks)

    def _load_best_model(self) -> None:
        self._load_from_checkpoint(str(self.state.best_model_checkpoint))


@contextmanager
def watched(embeddings: nn.Module) -> Iterator[list[Tensor]]:
    """Collect what the embeddings give, call by call, each with its gradient afterwards."""
    found: list[Tensor] = []

    def keep(_module: nn.Module, _given: Any, output: Tensor) -> Tensor:
        kept = output if output.requires_grad else output.detach().requires_grad_()
        kept.retain_grad()
        found.append(kept)
        return kept

    handle = embeddings.register_forward_hook(keep)
    try:
        yield found
    finally:
        handle.remove()


@contextmanager
def perturbed(embeddings: nn.Module, outputs: list[Tensor], epsilon: float) -> Iterator[None]:
    """Add to each call's output a step of length ``epsilon`` a text along its own gradient.

    **Source**: Miyato et al. 2017, "Adversarial Training Methods for Semi-Supervised Text
    Classification", equation 4 (the fast gradient method).
    """
    steps = iter([step_along(output.grad, epsilon) for output in outputs])

    def add(_module: nn.Module, _given: Any, output: Tensor) -> Tensor:
        step: Tensor = next(steps)
        return output + step

    handle = embeddings.register_forward_hook(add)
    try:
        yield
    finally:
        handle.remove()


def step_along(gradient: Tensor | None, epsilon: float) -> Tensor:
    """[batch, tokens, d] to steps of length ``epsilon`` a text; 0 where there is no gradient."""
    if gradient is None:
        return torch.zeros(())
    length = gradient.flatten(1).norm(dim=1).clamp(min=1e-12)
    step: Tensor = epsilon * gradient / length[:, None, None]
    return step
