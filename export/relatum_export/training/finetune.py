"""Contrastive fine-tuning with the trainer of sentence-transformers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from sentence_transformers.base.evaluation import BaseEvaluator
from sentence_transformers.sentence_transformer.losses import (
    CoSENTLoss,
    MultipleNegativesRankingLoss,
)
from sentence_transformers.sentence_transformer.training_args import BatchSamplers
from torch import nn
from transformers import EarlyStoppingCallback, PrinterCallback, TrainerCallback, set_seed

from relatum_export.console import Reporter
from relatum_export.training.encoder import TorchEncoder
from relatum_export.training.pairs import TextPair, TrainingData
from relatum_export.training.settings import TrainSettings
from relatum_export.training.validation import RankingMetric

SCALE = 20.0
WARM_UP = 0.1
EVALUATIONS_PER_EPOCH = 4
PATIENCE = 3


def finetune(
    model: SentenceTransformer,
    encoder: TorchEncoder,
    data: TrainingData,
    metric: RankingMetric | None,
    *,
    settings: TrainSettings,
    folder: Path,
    reporter: Reporter,
) -> list[dict[str, float]]:
    """Train ``model`` in place, resuming from a checkpoint in ``folder`` if there is one.

    With a metric, training stops after three evaluations without a gain and the best weights are
    kept.

    Args:
        model: the base; ``encoder`` runs on its transformer.
        encoder: what the metric measures.
        data: pairs of the train split.
        metric: on valid, or None.
        settings: see ``TrainSettings``.
        folder: for `checkpoints/` and `tensorboard/`.
        reporter: for progress.

    Returns:
        One row an evaluation: step and metric.
    """
    set_seed(settings.seed)
    model.model_card_data.widget = [{}]  # otherwise rows of the corpus are copied into it
    full_length = model.max_seq_length
    model.max_seq_length = min(settings.max_tokens, full_length or settings.max_tokens)
    freeze(encoder.module.transformer, settings.frozen_layers)
    datasets, losses = _objectives(model, encoder, data)
    checkpoints = folder / "checkpoints"
    steps = sum(-(-len(dataset) // settings.batch_size) for dataset in datasets.values())
    history: list[dict[str, float]] = []
    with reporter.progress("training steps", steps * settings.epochs) as advance:
        trainer = SentenceTransformerTrainer(
            model=model,
            args=_arguments(settings, folder, max(1, steps // EVALUATIONS_PER_EPOCH), metric),
            train_dataset=datasets,
            loss=losses,
            evaluator=_Evaluator(encoder, metric) if metric else None,
            callbacks=_callbacks(advance, history, metric),
        )
        trainer.remove_callback(PrinterCallback)  # standard output is the command's result
        last = _last_checkpoint(checkpoints)
        if last is not None:
            reporter.info(f"resuming from {last}")
        trainer.train(resume_from_checkpoint=last)
    model.max_seq_length = full_length
    for parameter in model.parameters():
        parameter.requires_grad = True
    return history


def _last_checkpoint(checkpoints: Path) -> str | None:
    """The newest complete checkpoint: the trainer writes its state last."""
    found = [path.parent for path in checkpoints.glob("checkpoint-*/trainer_state.json")]
    newest = max(found, key=lambda path: int(path.name.rpartition("-")[2]), default=None)
    return str(newest) if newest else None


def freeze(transformer: Any, layers: int | None) -> None:
    """Keep the embeddings and the lowest ``layers`` (None: half) as they are.

    An architecture whose layers are not at `encoder.layer` is trained whole but for its embeddings.
    """
    for parameter in transformer.get_input_embeddings().parameters():
        parameter.requires_grad = False
    stack = getattr(getattr(transformer, "encoder", None), "layer", [])
    for layer in stack[: len(stack) // 2 if layers is None else layers]:
        for parameter in layer.parameters():
            parameter.requires_grad = False


def _objectives(
    model: SentenceTransformer, encoder: TorchEncoder, data: TrainingData
) -> tuple[dict[str, Dataset], dict[str, nn.Module]]:
    datasets = {"pairs": _dataset(encoder, data.positives, graded=False)}
    losses: dict[str, nn.Module] = {
        "pairs": MultipleNegativesRankingLoss(
            model,
            scale=SCALE,
            directions=("query_to_doc", "doc_to_query"),
            partition_mode="per_direction",
        )
    }
    if data.graded:
        datasets["graded"] = _dataset(encoder, data.graded, graded=True)
        losses["graded"] = CoSENTLoss(model, scale=SCALE)
    return datasets, losses


def _dataset(encoder: TorchEncoder, pairs: tuple[TextPair, ...], *, graded: bool) -> Dataset:
    text = encoder.text_input
    columns: dict[str, list[Any]] = {
        "sentence1": [text.query_prefix + pair.a for pair in pairs],
        "sentence2": [text.document_prefix + pair.b for pair in pairs],
    }
    if graded:
        columns["label"] = [pair.label for pair in pairs]
    return Dataset.from_dict(columns)


def _arguments(
    settings: TrainSettings, folder: Path, every: int, metric: RankingMetric | None
) -> SentenceTransformerTrainingArguments:
    return SentenceTransformerTrainingArguments(
        output_dir=str(folder / "checkpoints"),
        logging_dir=str(folder / "tensorboard"),
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
        warmup_ratio=WARM_UP,
        seed=settings.seed,
        data_seed=settings.seed,
        batch_sampler=BatchSamplers.NO_DUPLICATES,  # a repeated text would be its own negative
        eval_strategy="steps" if metric else "no",
        eval_steps=every,
        save_strategy="steps",
        save_steps=every,
        save_total_limit=2,
        load_best_model_at_end=metric is not None,
        metric_for_best_model="eval_ranking" if metric else None,
        greater_is_better=True if metric else None,
        logging_steps=10,
        report_to=["tensorboard"],
        disable_tqdm=True,
        dataloader_pin_memory=torch.cuda.is_available(),
        fp16=False,
        bf16=False,
    )


class _Evaluator(BaseEvaluator):
    """The ranking metric in the shape that the trainer calls."""

    def __init__(self, encoder: TorchEncoder, metric: RankingMetric) -> None:
        super().__init__()  # type: ignore[no-untyped-call,unused-ignore]
        self.primary_metric = "ranking"
        self._encoder = encoder
        self._metric = metric

    def __call__(self, *_: Any, **__: Any) -> dict[str, float]:
        module = self._encoder.module
        module.eval()
        value = self._metric.measure(self._encoder)
        module.train()
        return {"ranking": value}


def _callbacks(
    advance: Callable[[int], None], history: list[dict[str, float]], metric: RankingMetric | None
) -> list[TrainerCallback]:
    callbacks: list[TrainerCallback] = [_Progress(advance, history)]
    if metric is not None:
        callbacks.append(EarlyStoppingCallback(early_stopping_patience=PATIENCE))
    return callbacks


class _Progress(TrainerCallback):
    """Moves the bar and remembers the metric."""

    def __init__(self, advance: Callable[[int], None], history: list[dict[str, float]]) -> None:
        self._advance = advance
        self._history = history
        self._step = 0

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._advance(state.global_step - self._step)
        self._step = state.global_step

    def on_evaluate(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        found = kwargs.get("metrics", {})
        if "eval_ranking" in found:
            self._history.append({"step": state.global_step, "ranking": found["eval_ranking"]})
