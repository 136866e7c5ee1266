"""A cross-encoder in PyTorch: it reads a query and a text together, and says how well they fit."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import nn
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from relatum_export.errors import InputError
from relatum_export.training.batching import length_sorted_batches, pad_rows
from relatum_export.training.encoder import bare_tokenizer
from relatum_export.training.ms_marco import cached_ms_marco_folder

MS_MARCO = "ms-marco"
MAX_TOKENS = 160  # a query, a title and 300 characters of description are about 110
_HUB_ID = r"[\w.-]+/[\w.-]+"
Pair = tuple[str, str]
Forward = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float32]]


class PairScorer(Protocol):
    """Pairs of texts in, numbers out."""

    def scores(self, pairs: Sequence[Pair]) -> NDArray[np.float32]:
        """How well each pair's second text answers its first, float32 [pairs]."""
        ...


@dataclass(frozen=True, slots=True)
class PairInput:
    """How two texts become one input: the tokenizer joins them, and cuts the longer one first.

    Attributes:
        tokenizer: as in ``TextInput``.
        max_tokens: longer pairs are cut, special tokens included.
        pad_token_id: what fills a row.
    """

    tokenizer: Tokenizer
    max_tokens: int
    pad_token_id: int

    def token_ids(self, pairs: Sequence[Pair]) -> list[list[int]]:
        """Token ids of each pair, special tokens included, cut to ``max_tokens``."""
        self.tokenizer.enable_truncation(self.max_tokens, strategy="longest_first")
        self.tokenizer.no_padding()
        return [encoding.ids for encoding in self.tokenizer.encode_batch(list(pairs))]

    def pad(self, rows: Sequence[Sequence[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Input ids and attention mask, both int64 [batch, longest row]."""
        return pad_rows(rows, self.pad_token_id)


def score_pairs(
    pair_input: PairInput, forward: Forward, pairs: Sequence[Pair]
) -> NDArray[np.float32]:
    """Score pairs in batches of near length, float32 [pairs] in their order.

    Args:
        pair_input: how a pair becomes tokens.
        forward: (input ids, attention mask), int64 [b, t], to float32 [b].
        pairs: query and text.
    """
    tokens = pair_input.token_ids(pairs)
    scores = np.empty(len(tokens), np.float32)
    for batch in length_sorted_batches([len(row) for row in tokens]):
        scores[batch] = forward(*pair_input.pad([tokens[i] for i in batch]))
    return scores


class CrossEncoding(nn.Module):
    """A sequence classifier of one label as a graph of two inputs.

    Which of the two texts a token belongs to is counted inside, by the separators before it.

    Args:
        classifier: Hugging Face's, with one label.
        separator: id of the token that ends a text.
    """

    classifier: Any

    def __init__(self, classifier: Any, separator: int) -> None:
        super().__init__()
        self.classifier = classifier
        self.separator = separator

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """int64 [batch, tokens] twice to float32 [batch]."""
        given = {"input_ids": input_ids, "attention_mask": attention_mask}
        if getattr(self.classifier.config, "type_vocab_size", 0) > 1:
            ends = (input_ids == self.separator).to(torch.int64)
            given["token_type_ids"] = (ends.cumsum(1) - ends).clamp(max=1)
        logits: torch.Tensor = self.classifier(**given, return_dict=False)[0]
        return logits[:, 0]


class TorchCrossEncoder:
    """The reference that every exported reranker is compared with.

    Args:
        name: what it is called in the manifest.
        module: in evaluation mode.
        pair_input: how a pair becomes tokens.
    """

    def __init__(self, name: str, module: CrossEncoding, pair_input: PairInput) -> None:
        self.name = name
        self.module = module.eval()
        self.pair_input = pair_input

    @classmethod
    def load(cls, name: str) -> Self:
        """Load `ms-marco`, a model's folder or a hub id.

        Raises:
            InputError: there is no such model, or it tells classes apart instead of giving a score.
        """
        location = str(cached_ms_marco_folder()) if name == MS_MARCO else name
        if name != MS_MARCO and not Path(name).is_dir() and not re.fullmatch(_HUB_ID, name):
            raise InputError(
                f"{name} is neither {MS_MARCO}, a model's folder nor a hub id such as "
                "cross-encoder/ms-marco-MiniLM-L12-v2"
            )
        try:
            classifier = AutoModelForSequenceClassification.from_pretrained(location)
            tokenizer = AutoTokenizer.from_pretrained(location)  # type: ignore[no-untyped-call]
        except (OSError, ValueError) as error:
            cause = str(error).strip().splitlines()[0]
            raise InputError(f"cannot load the reranker {name}: {cause}") from error
        if classifier.config.num_labels != 1:
            raise InputError(
                f"the reranker {name} has {classifier.config.num_labels} labels; it must give one "
                "score, as models that were trained to rank do"
            )
        pair_input = PairInput(
            bare_tokenizer(tokenizer.backend_tokenizer),
            min(MAX_TOKENS, int(tokenizer.model_max_length)),
            int(tokenizer.pad_token_id),
        )
        shown = name if name == MS_MARCO or not Path(name).is_dir() else Path(name).resolve().name
        return cls(shown, CrossEncoding(classifier, int(tokenizer.sep_token_id)), pair_input)

    def scores(self, pairs: Sequence[Pair]) -> NDArray[np.float32]:
        """How well each pair's second text answers its first, float32 [pairs]."""
        return score_pairs(self.pair_input, self._forward, pairs)

    def _forward(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        with torch.inference_mode():
            scores = self.module(torch.from_numpy(ids), torch.from_numpy(mask))
        return np.asarray(scores.float().numpy(), dtype=np.float32)
