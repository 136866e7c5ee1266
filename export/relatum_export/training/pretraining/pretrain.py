"""Pretraining an encoder on a shop's own texts, from the draw to the finished run."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from torch import nn
from transformers.utils import logging as transformers_logging

from relatum_export.console import Reporter
from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.text import FULL
from relatum_export.errors import InputError
from relatum_export.training.averaging import RATIOS, interpolate, snapshot
from relatum_export.training.bases import Base
from relatum_export.training.encoder import TorchEncoder, load_sentence_transformer
from relatum_export.training.pretraining.denoising import (
    DELETED_SHARE,
    DenoisingAutoEncoder,
    DenoisingCollator,
)
from relatum_export.training.pretraining.fitting import Collate, FitSettings, fit
from relatum_export.training.pretraining.masked_language import (
    MASKED_SHARE,
    MaskedLanguageModel,
    MaskingCollator,
)
from relatum_export.training.pretraining.settings import PretrainSettings
from relatum_export.training.pretraining.texts import OwnText, OwnTexts, own_texts
from relatum_export.training.products import Catalogue
from relatum_export.training.run import finish, prepare_folder
from relatum_export.training.step_run import step_configuration
from relatum_export.training.validation import RankingMetric, validation_metric

UNMEASURED_SHARE = 0.5
HELD_OUT_BATCH = 32


def pretrain(
    corpora: Sequence[Corpus],
    base: Base,
    out: Path,
    settings: PretrainSettings,
    reporter: Reporter,
    *,
    resume: bool,
) -> dict[str, Any]:
    """Pretrain ``base`` and write a run folder that any later step takes as its base.

    Returns:
        The contents of the run's `metrics.json`.

    Raises:
        InputError: too few texts, an encoder without what the objective needs, a loss that is not
            finite, or ``out`` holds something else.
    """
    form = base.text_form or FULL
    catalogues = [Catalogue.read(c) if c.has("items") else None for c in corpora]
    texts = own_texts(corpora, catalogues, form, max_texts=settings.max_texts, seed=settings.seed)
    reporter.info(f"{len(texts.train):,} texts to learn from, {len(texts.held_out):,} held out")
    model = load_sentence_transformer(base)
    encoder = TorchEncoder.wrap(base, model)
    config = step_configuration("pretrain", base, corpora, form, settings)
    torch.manual_seed(settings.seed)
    module, rows, held_out, collate = _objective(model, encoder, texts, settings)
    sources = [(c, k) for c, k in zip(corpora, catalogues, strict=True) if k is not None]
    metric = validation_metric(sources, form, settings.seed)
    prepare_folder(out, config, resume=resume)
    before = snapshot(encoder.module.transformer)
    held_out_loss = _held_out_loss(module, held_out, collate)
    untrained = held_out_loss()
    history = fit(
        module,
        rows,
        collate,
        FitSettings(
            settings.epochs,
            settings.batch_size,
            settings.learning_rate,
            settings.warm_up,
            settings.weight_decay,
            settings.seed,
        ),
        folder=out,
        measure=held_out_loss,
        reporter=reporter,
    )
    module.eval()
    encoder.module.eval()
    trained = held_out_loss()
    shares = _keep(encoder, before, settings, metric)
    metrics = {
        "base": base.name,
        "objective": settings.objective,
        "texts": len(texts.train),
        "held_out": len(texts.held_out),
        "held_out_loss_untrained": untrained["held_out_loss"],
        "held_out_loss": trained["held_out_loss"],
        "evaluations": history,
        "metric": metric.name if metric is not None else None,
        **shares,
    }
    model.max_seq_length = encoder.text_input.max_tokens
    finish(out, model, metrics)
    return metrics


def _objective(
    model: SentenceTransformer, encoder: TorchEncoder, texts: OwnTexts, settings: PretrainSettings
) -> tuple[nn.Module, list[Any], list[Any], Collate]:
    """The module to fit, its rows, those held out, and how rows become a batch."""
    transformer = encoder.module.transformer
    if settings.objective == "mlm":
        if model.tokenizer.mask_token is None:
            raise InputError(
                f"the tokenizer of {encoder.base.name} has no mask token, so nothing can be "
                "masked; set objective = 'tsdae' in the config"
            )
        module: nn.Module = MaskedLanguageModel(transformer)
        share = settings.masked_share or MASKED_SHARE
        collate: Collate = MaskingCollator(model.tokenizer, share)
        rows: list[Any] = _token_ids(encoder, texts.train, settings.max_tokens)
        held_out: list[Any] = _token_ids(encoder, texts.held_out, settings.max_tokens)
    else:
        model.max_seq_length = settings.max_tokens
        with _quiet():
            try:
                module = DenoisingAutoEncoder(model)
            except (ValueError, OSError) as error:
                raise InputError(
                    f"{encoder.base.name} has no decoder of its own kind, which tsdae needs; set "
                    "objective = 'mlm' in the config"
                ) from error
        collate = DenoisingCollator(model, settings.deleted_share or DELETED_SHARE)
        rows = [_prefixed(encoder, text) for text in texts.train]
        held_out = [_prefixed(encoder, text) for text in texts.held_out]
    for parameter in transformer.get_input_embeddings().parameters():
        parameter.requires_grad = not settings.frozen_embeddings
    return module, rows, held_out, collate


def _token_ids(encoder: TorchEncoder, texts: Sequence[OwnText], max_tokens: int) -> list[list[int]]:
    found: list[list[int]] = []
    for text in texts:
        (ids,) = encoder.text_input.token_ids([text.text], text.kind)
        found.append([*ids[: max_tokens - 1], ids[-1]] if len(ids) > max_tokens else ids)
    return found


def _prefixed(encoder: TorchEncoder, text: OwnText) -> str:
    of = encoder.text_input
    return (of.query_prefix if text.kind == "query" else of.document_prefix) + text.text


def _held_out_loss(
    module: nn.Module, held_out: Sequence[Any], collate: Collate
) -> Callable[[], Mapping[str, float]]:
    """The mean loss of what was held out, masked or damaged the same way each time."""
    batches = [
        collate(list(held_out[start : start + HELD_OUT_BATCH]))
        for start in range(0, len(held_out), HELD_OUT_BATCH)
    ]

    def measure() -> Mapping[str, float]:
        device = next(module.parameters()).device
        module.eval()
        losses = []
        with torch.inference_mode():
            for batch in batches:
                on_device = {name: tensor.to(device) for name, tensor in batch.items()}
                losses.append(float(module(**on_device)["loss"]))
        return {"held_out_loss": sum(losses) / len(losses)}

    return measure


def _keep(
    encoder: TorchEncoder,
    before: Mapping[str, torch.Tensor],
    settings: PretrainSettings,
    metric: RankingMetric | None,
) -> dict[str, Any]:
    """Mix the new weights with the base's; see ``PretrainSettings.kept_share``."""
    transformer = encoder.module.transformer
    after = snapshot(transformer)
    shares = RATIOS if metric is not None else ()
    scores: dict[float, float] = {}
    for share in shares:
        interpolate(transformer, before, after, share)
        scores[share] = metric.measure(encoder) if metric is not None else 0.0
    if isinstance(settings.kept_share, float):
        kept = settings.kept_share
    else:
        tried = [share for share in scores if share > 0]
        kept = max(tried, key=lambda share: (scores[share], -share), default=UNMEASURED_SHARE)
    interpolate(transformer, before, after, kept)
    return {"kept_share": kept, "share_scores": {str(k): v for k, v in scores.items()}}


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the remark that a decoder's cross-attention begins untrained."""
    level = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        transformers_logging.set_verbosity(level)
