"""What the trainer calls beside the training itself: progress, valid, early stopping."""

from collections.abc import Callable
from typing import Any

from sentence_transformers.base.evaluation import BaseEvaluator
from transformers import EarlyStoppingCallback, TrainerCallback

from relatum_export.training.encoder import TorchEncoder
from relatum_export.training.encoder_recipe.adapters import Adapter, Allocation


class RankingEvaluator(BaseEvaluator):
    """The ranking metric in the shape that the trainer calls."""

    def __init__(self, encoder: TorchEncoder, measure: Callable[[], float]) -> None:
        super().__init__()  # type: ignore[no-untyped-call,unused-ignore]
        self.primary_metric = "ranking"
        self._encoder = encoder
        self._measure = measure

    def __call__(self, *_: Any, **__: Any) -> dict[str, float]:
        """Measure without dropout."""
        module = self._encoder.module
        module.eval()
        value = self._measure()
        module.train()
        return {"ranking": value}


def callbacks(
    advance: Callable[[int], None], adapter: Adapter | None, patience: int | None
) -> list[TrainerCallback]:
    """All of one run.

    Args:
        advance: moves the bar by so many steps.
        adapter: what was put on the transformer, or None.
        patience: evaluations without a gain after which training stops; None where none is made.
    """
    found: list[TrainerCallback] = [_Progress(advance)]
    if adapter is not None and adapter.adaptive:
        found.append(Allocation(adapter))
    if patience is not None:
        found += [_LastStep(), _Patience(early_stopping_patience=patience)]
    return found


class _Patience(EarlyStoppingCallback):
    """Early stopping that, of a run resumed after it had stopped, stops again."""

    def on_train_begin(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        super().on_train_begin(args, state, control, **given)  # type: ignore[no-untyped-call]
        if self.early_stopping_patience_counter >= self.early_stopping_patience:
            control.should_training_stop = True


class _LastStep(TrainerCallback):
    """Has the last step evaluated, wherever it falls: what is not measured cannot be the best."""

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step >= state.max_steps:
            control.should_evaluate = True


class _Progress(TrainerCallback):
    """Moves the bar."""

    def __init__(self, advance: Callable[[int], None]) -> None:
        self._advance = advance
        self._step = 0

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._advance(state.global_step - self._step)
        self._step = state.global_step
