"""TSDAE: rebuilding a text from the vector of a damaged copy teaches the vector what it must hold.

**Source**: Wang, Reimers and Gurevych 2021, TSDAE, sections 3 and 5.2 (60 % of the words deleted,
encoder and decoder tied).
"""

import random
import re
from collections.abc import Sequence
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import DenoisingAutoEncoderLoss
from torch import nn

DELETED_SHARE = 0.6
# A word is a run without blanks; Chinese and Japanese have none, so there each character is one.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\s\u3040-\u30ff\u3400-\u9fff]+\s*|\s+")


class DenoisingAutoEncoder(nn.Module):
    """The loss of sentence-transformers in the shape that the trainer calls.

    Args:
        model: the encoder; trained in place, its decoder tied to it.
    """

    def __init__(self, model: SentenceTransformer) -> None:
        super().__init__()
        self.reconstruction = DenoisingAutoEncoderLoss(model, tie_encoder_decoder=True)

    def forward(self, **batch: torch.Tensor) -> dict[str, torch.Tensor]:
        """The loss; see ``DenoisingCollator`` for the batch."""
        sides: list[dict[str, Any]] = [
            {
                "input_ids": batch[f"{side}_ids"],
                "attention_mask": batch[f"{side}_mask"],
            }
            for side in ("damaged", "whole")
        ]
        return {"loss": self.reconstruction(sides, torch.empty(0))}


class DenoisingCollator:
    """Texts to padded batches of damaged copies and originals.

    Args:
        model: gives the tokenizer.
        deleted_share: share of words that a copy loses.
    """

    def __init__(self, model: SentenceTransformer, deleted_share: float) -> None:
        self._tokenizer = model.tokenizer
        self._max_tokens = int(model.max_seq_length or 0)
        self._deleted_share = deleted_share

    def __call__(self, texts: Sequence[str]) -> dict[str, torch.Tensor]:
        """``damaged_ids``, ``damaged_mask``, ``whole_ids``, ``whole_mask``: int64 [batch, t]."""
        # By the batch's content: batches are made ahead of the steps, so a resume would find the
        # common generator in another state.
        draw = random.Random("\n".join(texts))  # noqa: S311 - noise, not a secret
        damaged = [without_words(text, self._deleted_share, draw) for text in texts]
        batch = {}
        for side, of in (("damaged", damaged), ("whole", list(texts))):
            tokens = self._tokenizer(
                of, padding=True, truncation=True, max_length=self._max_tokens, return_tensors="pt"
            )
            batch[f"{side}_ids"] = tokens["input_ids"]
            batch[f"{side}_mask"] = tokens["attention_mask"]
        return batch


def without_words(text: str, share: float, draw: random.Random) -> str:
    """The text without about ``share`` of its words, in order; one word always stays."""
    words = [word for word in _WORD.findall(text) if word.strip()]
    kept = [word for word in words if draw.random() >= share]
    if not kept and words:
        kept = [draw.choice(words)]
    return "".join(kept).strip()
