"""Teaching a student with fewer layers to give its teacher's vectors.

**Source**: matching the sentence vectors: Reimers and Gurevych 2020, Making monolingual sentence
embeddings multilingual using knowledge distillation; the tokens' states of the last layer: Jiao et
al. 2020, TinyBERT, equation 8; the cosines within a batch: Park et al. 2019, Relational knowledge
distillation.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import nn

from relatum_export.console import Reporter
from relatum_export.training.batching import TextInput
from relatum_export.training.compression.settings import CompressSettings
from relatum_export.training.encoder import SentenceEmbedding, TorchEncoder
from relatum_export.training.pretraining.fitting import FitSettings, fit
from relatum_export.training.pretraining.texts import OwnText

Ids = list[int]


@dataclass(frozen=True, slots=True)
class Aim:
    """A batch of texts with what the teacher makes of them.

    Attributes:
        input_ids: int64 [batch, tokens].
        attention_mask: int64 [batch, tokens].
        vectors: the texts', float32 [batch, d].
        states: the tokens', after the last layer, float16 [batch, tokens, d].
    """

    input_ids: torch.Tensor
    attention_mask: torch.Tensor
    vectors: torch.Tensor
    states: torch.Tensor


class Distillation(nn.Module):
    """A student under the loss of its distance to the teacher's answers.

    Args:
        student: trained in place.
        token_weight: of the states' difference.
        relation_weight: of the cosines' difference.
    """

    def __init__(
        self, student: SentenceEmbedding, token_weight: float, relation_weight: float
    ) -> None:
        super().__init__()
        self.student = student
        self._token_weight = token_weight
        self._relation_weight = relation_weight

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        vectors: torch.Tensor,
        states: torch.Tensor,
    ) -> dict[str, torch.Tensor]:
        """The loss; see ``Aim`` for the arguments."""
        own, own_states = _with_states(self.student, input_ids, attention_mask)
        loss = (1 - (own * vectors).sum(-1)).mean()
        if self._relation_weight:
            difference = own @ own.T - vectors @ vectors.T
            loss = loss + self._relation_weight * difference.square().mean()
        if self._token_weight:
            real = attention_mask.bool()
            aimed = states[real].float()
            difference = (own_states[real] - aimed).square().mean()
            loss = loss + self._token_weight * difference / aimed.square().mean()
        return {"loss": loss}


def aims_of(
    teacher: TorchEncoder,
    texts: Sequence[OwnText],
    settings: CompressSettings,
    reporter: Reporter,
) -> list[Aim]:
    """The teacher's answers to all texts, once for every student and pass.

    They stay in memory: about 30 MB a thousand texts of 40 tokens, at 384 dimensions.

    Args:
        teacher: is not trained.
        texts: what to imitate on.
        settings: batch size and the longest text.
        reporter: for progress.
    """
    rows = [token_ids(teacher.text_input, text, settings.max_tokens) for text in texts]
    aims = []
    device = next(teacher.module.parameters()).device
    with reporter.progress("texts by the teacher", len(rows)) as advance, torch.no_grad():
        for batch in near_lengths(rows, settings.batch_size):
            ids, mask = (torch.from_numpy(array) for array in teacher.text_input.pad(batch))
            vectors, states = _with_states(teacher.module, ids.to(device), mask.to(device))
            aims.append(Aim(ids, mask, vectors.float().cpu(), states.half().cpu()))
            advance(len(batch))
    return aims


def distil(
    student: TorchEncoder,
    aims: Sequence[Aim],
    settings: CompressSettings,
    *,
    measure: Callable[[], Mapping[str, float]],
    folder: Path,
    reporter: Reporter,
) -> list[dict[str, float]]:
    """Train ``student`` in place; its word embeddings stay the teacher's.

    Nothing is dropped out: the teacher's answers, which are to be met exactly, know no noise.

    Args:
        student: of the teacher's width and vocabulary.
        aims: what the teacher answered.
        settings: see ``CompressSettings``.
        measure: figures for the curve.
        folder: for checkpoints and TensorBoard.
        reporter: for progress.

    Returns:
        One row a measurement.

    Raises:
        InputError: a loss that is not finite.
    """
    module = Distillation(student.module, settings.token_weight, settings.relation_weight)
    words = student.module.transformer.get_input_embeddings()
    words.requires_grad_(False)
    _without_dropout(student.module)
    fitting = FitSettings(
        settings.epochs,
        1,  # a row is a batch already
        settings.learning_rate,
        settings.warm_up,
        settings.weight_decay,
        settings.seed,
        "cosine",
    )
    history = fit(module, aims, _given, fitting, folder=folder, measure=measure, reporter=reporter)
    words.requires_grad_(True)
    student.module.eval()
    return history


def _without_dropout(module: nn.Module) -> None:
    for part in module.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.0


def token_ids(text_input: TextInput, text: OwnText, max_tokens: int) -> Ids:
    """Ids of one text with its prefix, cut between its first and its last special token."""
    (ids,) = text_input.token_ids([text.text], text.kind)
    return [*ids[: max_tokens - 1], ids[-1]] if len(ids) > max_tokens else ids


def near_lengths(rows: Sequence[Ids], batch_size: int) -> list[list[Ids]]:
    """Batches of near length, so that little of them is padding; equal lengths in their order."""
    ordered = sorted(rows, key=len)
    return [list(ordered[at : at + batch_size]) for at in range(0, len(ordered), batch_size)]


def _given(rows: list[Any]) -> dict[str, torch.Tensor]:
    """The collator of rows that are batches already."""
    (aim,) = rows
    return {field.name: getattr(aim, field.name) for field in fields(Aim)}


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
