"""Hashes that identify an encoder and a model."""

import hashlib
import importlib.metadata
import json
from collections.abc import Mapping

import torch

from relatum_export.corpus.text import TextForm
from relatum_export.training.bases import form_to_json
from relatum_export.training.batching import TextInput
from relatum_export.training.encoder import SentenceEmbedding, bare_tokenizer

DIGITS = 16


def encoder_id(module: SentenceEmbedding, text_input: TextInput, form: TextForm) -> str:
    """Hash over weights, tokenizer, length, pooling, prefixes and text form; 16 hex digits."""
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(f"{name} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().to(torch.float32).numpy().tobytes())
    settings = {
        "pooling": module.pooling,
        "query_prefix": text_input.query_prefix,
        "document_prefix": text_input.document_prefix,
        "max_tokens": text_input.max_tokens,
        "text_form": form_to_json(form),
    }
    digest.update(json.dumps(settings, sort_keys=True).encode())
    # Encoding sets truncation in the tokenizer; the identity must not tell before from after.
    digest.update(bare_tokenizer(text_input.tokenizer).to_str().encode())
    return digest.hexdigest()[:DIGITS]


def model_id(encoder: str, sha256: Mapping[str, str]) -> str:
    """Hash over the encoder's id and the files that answers depend on; 16 hex digits."""
    lines = [encoder, *(f"{name} {value}" for name, value in sorted(sha256.items()))]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:DIGITS]


def producer_version() -> str:
    """Version of the installed distribution; `source` where the packages run from a checkout."""
    try:
        return importlib.metadata.version("relatum")
    except importlib.metadata.PackageNotFoundError:
        return "source"
