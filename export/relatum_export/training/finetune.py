"""Contrastive fine-tuning with the trainer of sentence-transformers."""

import errno
import importlib.util
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from safetensors import SafetensorError
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainingArguments
from torch import nn
from transformers import PrinterCallback, set_seed

from relatum_export.console import Reporter
from relatum_export.errors import InputError
from relatum_export.training.arithmetic import products_in
from relatum_export.training.encoder import TorchEncoder
from relatum_export.training.encoder_recipe.adapters import attach
from relatum_export.training.encoder_recipe.batches import (
    ANCHOR,
    LABEL,
    POSITIVE,
    NearLengthBatches,
)
from relatum_export.training.encoder_recipe.callbacks import RankingEvaluator, callbacks
from relatum_export.training.encoder_recipe.false_negatives import FalseNegatives
from relatum_export.training.encoder_recipe.losses import (
    GradedLoss,
    MaskedRankingLoss,
    matryoshka,
)
from relatum_export.training.encoder_recipe.tables import PairTable
from relatum_export.training.encoder_recipe.trainer import RecipeTrainer
from relatum_export.training.settings import TrainSettings

NEGATIVE = "negative_"
NO_ROOM = ("PytorchStreamWriter", "No space left")  # how torch and safetensors say so
LOGGED_EVERY = 10  # steps
SAVED_LEAST = 4  # times a run
SCHEDULERS = {
    "linear": "linear",
    "cosine": "cosine",
    "constant": "constant_with_warmup",
}


@dataclass(frozen=True, slots=True)
class Objective:
    """What is learned from one table.

    Attributes:
        table: the pairs.
        masks: its false negatives; None of graded pairs.
    """

    table: PairTable
    masks: FalseNegatives | None


def finetune(
    model: SentenceTransformer,
    encoder: TorchEncoder,
    objectives: Sequence[Objective],
    measure: Callable[[], float] | None,
    *,
    settings: TrainSettings,
    folder: Path,
    reporter: Reporter,
) -> list[dict[str, float]]:
    """Train ``model`` in place, resuming from a checkpoint in ``folder`` if there is one.

    With a metric, training stops after ``patience`` evaluations without a gain and the best
    weights are kept.

    Args:
        model: the base; ``encoder`` runs on its transformer.
        encoder: for the prefixes.
        objectives: the tables of the train split; each batch is of one.
        measure: of the model as it stands, on valid, higher is better; or None.
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
    transformer = encoder.module.transformer
    datasets = {one.table.name: _dataset(encoder, one) for one in objectives}
    losses = {one.table.name: _loss(model, one, settings) for one in objectives}
    batches = [
        NearLengthBatches(dataset, settings.batch_size, drop_last=False, seed=settings.seed)
        for dataset in datasets.values()
    ]
    steps = sum(len(one) for one in batches)
    adapter = attach(transformer, settings, steps)
    if settings.adapter == "none":
        freeze(transformer, settings.frozen_layers)
    evaluated = measure if settings.evaluations else None
    with (
        reporter.progress("training steps", steps) as advance,
        dropped(model, settings.dropout),
        products_in(transformer, settings.precision),
    ):
        trainer = RecipeTrainer(
            adapter=adapter,
            adversarial_epsilon=settings.adversarial_epsilon,
            embeddings=transformer.get_input_embeddings(),
            model=model,
            args=_arguments(settings, folder, steps, evaluated is not None),
            train_dataset=datasets,
            loss=losses,
            evaluator=RankingEvaluator(encoder, evaluated) if evaluated else None,
            callbacks=callbacks(advance, adapter, settings.patience if evaluated else None),
        )
        # Standard output is the command's result.
        trainer.remove_callback(PrinterCallback)  # type: ignore[no-untyped-call]
        last = _last_checkpoint(folder / "checkpoints")
        if last is not None:
            reporter.info(f"resuming from {last}")
        _run(trainer, last, folder / "checkpoints")
    if adapter is not None:
        encoder.module.eval()
        adapter.merge()
    model.max_seq_length = full_length
    for parameter in model.parameters():
        parameter.requires_grad = True
    return [
        {"step": row["step"], "ranking": row["eval_ranking"]}
        for row in trainer.state.log_history
        if "eval_ranking" in row
    ]


def _run(trainer: RecipeTrainer, last: str | None, checkpoints: Path) -> None:
    """Train; where a checkpoint finds no room on the disk, say so and keep the one before."""
    try:
        trainer.train(resume_from_checkpoint=last)
    except (OSError, RuntimeError, SafetensorError) as error:
        full = isinstance(error, OSError) and error.errno == errno.ENOSPC
        if not full and not any(sign in str(error) for sign in NO_ROOM):
            raise
        raise InputError(
            f"no checkpoint could be written to {checkpoints} ({str(error).splitlines()[0]}); make "
            "room on the disk and run again, to go on from "
            f"{_last_checkpoint(checkpoints) or 'the start'}"
        ) from error


@contextmanager
def dropped(model: nn.Module, dropout: float | None) -> Iterator[None]:
    """Dropout of another strength for a while; None leaves it as it is."""
    layers = [module for module in model.modules() if isinstance(module, nn.Dropout)]
    before = [layer.p for layer in layers]
    try:
        if dropout is not None:
            for layer in layers:
                layer.p = dropout
        yield
    finally:
        for layer, p in zip(layers, before, strict=True):
            layer.p = p


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


def _loss(model: SentenceTransformer, one: Objective, settings: TrainSettings) -> nn.Module:
    if one.masks is None:
        within = settings.graded_within == "query"
        return matryoshka(model, GradedLoss(model, settings.scale, within_query=within), settings)
    return matryoshka(model, MaskedRankingLoss(model, one.masks, settings.scale), settings)


def _dataset(encoder: TorchEncoder, one: Objective) -> Dataset:
    """Texts with their prefixes; the label of a pair is its row, of a graded one what it needs."""
    text, table = encoder.text_input, one.table
    labels: list[Any] = list(range(len(table)))
    if table.graded:
        labels = [
            [float(label), float(anchor)]
            for label, anchor in zip(table.labels, table.anchor_ids, strict=True)
        ]
    columns: Mapping[str, list[Any]] = {
        ANCHOR: [text.query_prefix + anchor for anchor in table.anchors],
        POSITIVE: [text.document_prefix + positive for positive in table.positives],
        **_negatives(one, text.document_prefix),
        LABEL: labels,
    }
    return Dataset.from_dict(columns)


def _negatives(one: Objective, prefix: str) -> dict[str, list[str]]:
    if one.masks is None:
        return {}
    return {
        f"{NEGATIVE}{column}": [prefix + one.table.positives[row] for row in rows]
        for column, rows in enumerate(one.masks.hard.T)
    }


def _arguments(
    settings: TrainSettings, folder: Path, steps: int, evaluated: bool
) -> SentenceTransformerTrainingArguments:
    every = max(1, -(-steps // max(settings.evaluations, 1)))
    # The best weights can be kept only where each evaluation finds a checkpoint beside it.
    saved = every if evaluated else max(1, steps // SAVED_LEAST)
    return SentenceTransformerTrainingArguments(
        output_dir=str(folder / "checkpoints"),
        logging_dir=str(folder / "tensorboard"),
        num_train_epochs=1,  # the passes are in the tables
        per_device_train_batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
        lr_scheduler_type=SCHEDULERS[settings.schedule],
        warmup_ratio=settings.warm_up,
        weight_decay=settings.weight_decay,
        seed=settings.seed,
        data_seed=settings.seed,
        batch_sampler=NearLengthBatches,
        eval_strategy="steps" if evaluated else "no",
        eval_steps=every,
        save_strategy="steps",
        save_steps=saved,
        save_total_limit=2,
        load_best_model_at_end=evaluated,
        metric_for_best_model="eval_ranking" if evaluated else None,
        greater_is_better=True if evaluated else None,
        logging_steps=LOGGED_EVERY,
        restore_callback_states_from_checkpoint=True,  # how long early stopping has waited
        report_to=["tensorboard", *(["wandb"] if importlib.util.find_spec("wandb") else [])],
        disable_tqdm=True,
        dataloader_pin_memory=torch.cuda.is_available(),
        fp16=False,
        bf16=False,
    )
