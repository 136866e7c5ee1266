"""Teaching a student with fewer layers to give its teacher's vectors.

**Source**: matching the sentence vectors: Reimers and Gurevych 2020, Making monolingual sentence
embeddings multilingual using knowledge distillation; the tokens' states of the last layer: Jiao et
al. 2020, TinyBERT, equation 8; the cosines within a batch: Park et al. 2019, Relational knowledge
distillation.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from relatum_export.console import Reporter
from relatum_export.training.batching import TextInput
from relatum_export.training.compression.settings import CompressSettings
from relatum_export.training.encoder import SentenceEmbedding, TorchEncoder
from relatum_export.training.pretraining.fitting import FitSettings, fit
from relatum_export.training.pretraining.texts import OwnText, OwnTexts

Ids = list[int]


class Distillation(nn.Module):
    """A student beside its teacher; only the student is trained and kept.

    Args:
        student: trained in place.
        teacher: of the same width and vocabulary; not a part of this module.
        token_weight: of the states' difference.
        relation_weight: of the cosines' difference.
    """

    def __init__(
        self,
        student: SentenceEmbedding,
        teacher: SentenceEmbedding,
        token_weight: float,
        relation_weight: float,
    ) -> None:
        super().__init__()
        self.student = student
        self._teacher = (teacher,)  # in a tuple, so that its weights enter no checkpoint
        self._token_weight = token_weight
        self._relation_weight = relation_weight

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """The loss; int64 [batch, tokens] twice."""
        with torch.no_grad():
            aims, aimed = _with_states(self._teacher[0].eval(), input_ids, attention_mask)
        vectors, states = _with_states(self.student, input_ids, attention_mask)
        loss = (1 - (vectors * aims).sum(-1)).mean()
        if self._relation_weight:
            difference = vectors @ vectors.T - aims @ aims.T
            loss = loss + self._relation_weight * difference.square().mean()
        if self._token_weight:
            real = attention_mask.bool()
            spread = aimed[real].square().mean()
            difference = (states[real] - aimed[real]).square().mean()
            loss = loss + self._token_weight * difference / spread
        return {"loss": loss}


def distil(
    student: TorchEncoder,
    teacher: TorchEncoder,
    texts: OwnTexts,
    settings: CompressSettings,
    *,
    folder: Path,
    reporter: Reporter,
) -> list[dict[str, float]]:
    """Train ``student`` in place on the texts; its word embeddings stay the teacher's.

    Returns:
        One row a measurement: the step, and the mean cosine to the teacher on held-out texts.

    Raises:
        InputError: a loss that is not finite.
    """
    module = Distillation(
        student.module, teacher.module, settings.token_weight, settings.relation_weight
    )
    words = student.module.transformer.get_input_embeddings()
    words.requires_grad_(False)
    rows = near_lengths(
        [token_ids(student.text_input, text, settings.max_tokens) for text in texts.train],
        settings.batch_size,
    )
    history = fit(
        module,
        rows,
        padded(student.text_input),
        FitSettings(
            settings.epochs,
            1,
            settings.learning_rate,
            settings.warm_up,
            settings.weight_decay,
            settings.seed,
        ),
        folder=folder,
        measure=_nearness(student, teacher, texts.held_out),
        reporter=reporter,
    )
    words.requires_grad_(True)
    student.module.eval()
    return history


def token_ids(text_input: TextInput, text: OwnText, max_tokens: int) -> Ids:
    """Ids of one text with its prefix, cut between its first and its last special token."""
    (ids,) = text_input.token_ids([text.text], text.kind)
    return [*ids[: max_tokens - 1], ids[-1]] if len(ids) > max_tokens else ids


def near_lengths(rows: Sequence[Ids], batch_size: int) -> list[list[Ids]]:
    """Batches of near length, so that little of them is padding; equal lengths in their order."""
    ordered = sorted(rows, key=len)
    return [list(ordered[at : at + batch_size]) for at in range(0, len(ordered), batch_size)]


def padded(text_input: TextInput) -> Callable[[list[Any]], dict[str, torch.Tensor]]:
    """The collator of rows that are batches already."""

    def collate(rows: list[Any]) -> dict[str, torch.Tensor]:
        (batch,) = rows
        ids, mask = text_input.pad(batch)
        return {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}

    return collate


def _nearness(
    student: TorchEncoder, teacher: TorchEncoder, texts: Sequence[OwnText]
) -> Callable[[], Mapping[str, float]]:
    documents = [text.text for text in texts if text.kind == "document"] or [texts[0].text]
    aims = teacher.encode(documents, kind="document")

    def measure() -> Mapping[str, float]:
        vectors = student.encode(documents, kind="document")
        return {"cosine_to_teacher": float(np.mean(np.sum(vectors * aims, axis=1)))}

    return measure


def _with_states(
    module: SentenceEmbedding, input_ids: torch.Tensor, attention_mask: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Vectors [batch, d] and the last layer's states [batch, tokens, d] of one pass."""
    seen: list[torch.Tensor] = []
    hook = module.transformer.register_forward_hook(lambda *call: seen.append(call[-1][0]))
    try:
        vectors = module(input_ids, attention_mask)
    finally:
        hook.remove()
    return vectors, seen[0]
