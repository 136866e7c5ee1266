"""The text encoder: what evaluation and export ask of one, and the PyTorch one."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer
from torch import nn

from relatum_export.corpus.text import TextForm
from relatum_export.errors import InputError
from relatum_export.training.bases import MAX_TOKENS, Base, resolve
from relatum_export.training.batching import Kind, Progress, TextInput, encode_texts

MIN_NORM = 1e-12


class TextEncoder(Protocol):
    """Text in, unit vectors out."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        ...

    @property
    def text_form(self) -> TextForm | None:
        """How products become text before this encoder; None where nobody chose."""
        ...

    def encode(
        self, texts: Sequence[str], *, kind: Kind, progress: Progress | None = None
    ) -> NDArray[np.float32]:
        """Encode texts; float32 [len(texts), dimension], rows of length 1, in their order."""
        ...


class SentenceEmbedding(nn.Module):
    """Transformer, pooling and normalisation as one graph: what is exported and what is verified.

    Args:
        transformer: a Hugging Face encoder.
        pooling: `mean` over the tokens that are not padding, or `cls`, the first token.
    """

    transformer: Any

    def __init__(self, transformer: Any, pooling: str) -> None:
        super().__init__()
        self.transformer = transformer
        self.pooling = pooling

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """int64 [batch, tokens] twice to float32 [batch, dimension], rows of length 1."""
        states = self.transformer(
            input_ids=input_ids, attention_mask=attention_mask, return_dict=False
        )[0]
        if self.pooling == "cls":
            pooled = states[:, 0]
        else:
            mask = attention_mask.unsqueeze(-1).to(states.dtype)
            pooled = (states * mask).sum(1) / mask.sum(1).clamp(min=1.0)
        norm = pooled.square().sum(-1, keepdim=True).sqrt().clamp(min=MIN_NORM)
        unit: torch.Tensor = pooled / norm
        return unit


class TorchEncoder:
    """An encoder in PyTorch: the reference that every exported variant is compared with."""

    def __init__(self, base: Base, module: SentenceEmbedding, text_input: TextInput) -> None:
        self.base = base
        self.module = module.eval()
        self.text_input = text_input

    @classmethod
    def load(cls, name_or_path: str | Path) -> Self:
        """Load `minilm`, `e5`, a run, a model's folder or a hub id.

        Raises:
            InputError: there is no such encoder, or it is of a kind that cannot be exported.
        """
        base = resolve(str(name_or_path))
        return cls.wrap(base, load_sentence_transformer(base))

    @classmethod
    def wrap(cls, base: Base, model: SentenceTransformer) -> Self:
        """Take the transformer out of a sentence-transformers model (weights are shared).

        Raises:
            InputError: it has other parts than a transformer, pooling and normalisation.
        """
        tokenizer = model.tokenizer
        text_input = TextInput(
            bare_tokenizer(tokenizer.backend_tokenizer),
            base.query_prefix,
            base.document_prefix,
            min(MAX_TOKENS, int(model.max_seq_length or MAX_TOKENS)),
            int(tokenizer.pad_token_id or 0),
        )
        return cls(base, SentenceEmbedding(model[0].model, pooling_mode(base, model)), text_input)

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self.module.transformer.config.hidden_size)

    @property
    def text_form(self) -> TextForm | None:
        """The form that training chose; None for a base as it stands."""
        return self.base.text_form

    def encode(
        self, texts: Sequence[str], *, kind: Kind, progress: Progress | None = None
    ) -> NDArray[np.float32]:
        """Encode texts; float32 [len(texts), dimension], rows of length 1, in their order."""
        return encode_texts(
            self.text_input,
            self._forward,
            texts,
            kind,
            dimension=self.dimension,
            progress=progress,
        )

    def _forward(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        device = next(self.module.parameters()).device
        with torch.inference_mode():
            vectors = self.module(
                torch.from_numpy(ids).to(device), torch.from_numpy(mask).to(device)
            )
        return np.asarray(vectors.float().cpu().numpy(), dtype=np.float32)


def load_sentence_transformer(base: Base) -> SentenceTransformer:
    """Load the model, from disk or the hub, on the CPU or the first GPU.

    Raises:
        InputError: the folder or hub id cannot be loaded.
    """
    try:
        # transformers 4.57 warns of Mistral's tokenizer for any local folder unless told.
        model: SentenceTransformer = SentenceTransformer(
            base.location, processor_kwargs={"fix_mistral_regex": False}
        )
    except (OSError, ValueError) as error:
        cause = str(error).strip().splitlines()[0]
        raise InputError(
            f"cannot load the encoder {base.name}: {cause}; give minilm, e5, a model's folder, or "
            "a hub id that this machine can download"
        ) from error
    return model


def pooling_mode(base: Base, model: SentenceTransformer) -> str:
    """`mean` or `cls`.

    Raises:
        InputError: another pooling, or further layers, which the artifact's format cannot state.
    """
    names = [type(module).__name__ for module in model]
    if names[:2] != ["Transformer", "Pooling"] or names[2:] not in ([], ["Normalize"]):
        raise InputError(
            f"{base.name} is built of {', '.join(names)}; relatum exports a Transformer with "
            "Pooling and, at most, Normalize"
        )
    mode = str(model[1].pooling_mode)
    if mode not in ("mean", "cls"):
        raise InputError(f"{base.name} pools by {mode}; relatum exports mean and cls pooling")
    return mode


def bare_tokenizer(tokenizer: Tokenizer) -> Tokenizer:
    """A copy without truncation and padding: whoever uses it sets both."""
    data = json.loads(tokenizer.to_str())
    data["truncation"] = data["padding"] = None
    return Tokenizer.from_str(json.dumps(data, ensure_ascii=False))
