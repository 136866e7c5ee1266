"""Masked language modelling: guessing hidden tokens teaches an encoder the shop's words.

**Source**: Devlin et al. 2019, BERT, section 3.1 (of the masked tokens 80 % hidden, 10 % replaced,
10 % left) and appendix A; the domain's own text as the task: Gururangan et al. 2020, Don't Stop
Pretraining.
"""

import zlib
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from transformers import DataCollatorForLanguageModeling, PreTrainedTokenizerBase

MASKED_SHARE = 0.15


class MaskedLanguageModel(nn.Module):
    """A transformer under BERT's head; logits are computed for the masked tokens alone.

    Sentence encoders come without the head. Its dense layer begins as the identity and its output
    is tied to the word embeddings, so that it starts from what the encoder knows.

    Args:
        transformer: a Hugging Face encoder; trained in place.
    """

    transformer: Any

    def __init__(self, transformer: Any) -> None:
        super().__init__()
        self.transformer = transformer
        words = transformer.get_input_embeddings().weight
        self.dense = nn.Linear(words.shape[1], words.shape[1])
        nn.init.eye_(self.dense.weight)
        nn.init.zeros_(self.dense.bias)
        self.norm = nn.LayerNorm(words.shape[1])
        self.bias = nn.Parameter(torch.zeros(words.shape[0]))
        self.loss = nn.CrossEntropyLoss()

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, labels: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """The loss over tokens whose label is not -100; all int64 [batch, tokens]."""
        states = self.transformer(
            input_ids=input_ids, attention_mask=attention_mask, return_dict=False
        )[0]
        masked = labels != -100  # noqa: PLR2004 - what the collator marks tokens to skip with
        hidden = self.norm(nn.functional.gelu(self.dense(states[masked])))
        words = self.transformer.get_input_embeddings().weight
        return {"loss": self.loss(hidden @ words.T + self.bias, labels[masked])}


class MaskingCollator:
    """Token ids to a padded batch with some of them masked.

    Args:
        tokenizer: of the encoder; it must have a mask token.
        masked_share: share of tokens to guess.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, masked_share: float) -> None:
        self._collate = DataCollatorForLanguageModeling(
            tokenizer, mlm=True, mlm_probability=masked_share
        )

    def __call__(self, rows: Sequence[Sequence[int]]) -> dict[str, torch.Tensor]:
        """``input_ids``, ``attention_mask`` and ``labels``, int64 [batch, longest row]."""
        ids = [list(row) for row in rows]
        with torch.random.fork_rng(devices=()):
            # By the batch's content: batches are made ahead of the steps, so a resume would find
            # the common generator in another state.
            torch.manual_seed(zlib.crc32(repr(ids).encode()))
            batch = dict(self._collate([{"input_ids": row} for row in ids]))
        if not (batch["labels"] >= 0).any():  # short texts can escape all masking
            batch["labels"][:, 1] = batch["input_ids"][:, 1]
        return {name: batch[name] for name in ("input_ids", "attention_mask", "labels")}
