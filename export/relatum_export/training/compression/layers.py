"""Dropping layers of a transformer: those without which its vectors change least.

**Source**: layer dropping: Sajjad, Dalvi, Durrani and Nakov 2023, On the effect of dropping layers
of pre-trained transformer models. Which ones go is decided here by the vectors, one at a time.
"""

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
from sentence_transformers import SentenceTransformer
from torch import nn

from relatum_export.errors import InputError
from relatum_export.training.encoder import TorchEncoder


def layer_stack(encoder: TorchEncoder) -> nn.ModuleList:
    """The layers, lowest first.

    Raises:
        InputError: an architecture whose layers are not where BERT's are.
    """
    stack = getattr(getattr(encoder.module.transformer, "encoder", None), "layer", None)
    if not isinstance(stack, nn.ModuleList):
        kind = encoder.module.transformer.config.model_type
        raise InputError(
            f"{encoder.base.name} is a {kind}, whose layers cannot be dropped here; give an "
            "encoder of the BERT, RoBERTa or XLM-R kind, or set students = {} in the config"
        )
    return stack


def kept_count(layers: int, share: float) -> int:
    """How many layers a student of this share has: at least one, and fewer than all.

    Raises:
        InputError: there is only one layer.
    """
    if layers < 2:  # noqa: PLR2004 - one layer has nothing to drop
        raise InputError("the encoder has one layer, so no student is smaller; set students = {}")
    return min(layers - 1, max(1, round(share * layers)))


def drop_order(encoder: TorchEncoder, texts: Sequence[str]) -> list[int]:
    """All layers but one, in the order in which to drop them.

    Each time the one goes without which the vectors of ``texts`` stay nearest to the whole
    encoder's, by mean cosine.
    """
    stack = layer_stack(encoder)
    whole = encoder.encode(texts, kind="document")
    transformer: Any = encoder.module.transformer
    left, order = list(range(len(stack))), []
    try:
        while len(left) > 1:
            nearness = []
            for layer in left:
                transformer.encoder.layer = nn.ModuleList(stack[i] for i in left if i != layer)
                vectors = encoder.encode(texts, kind="document")
                nearness.append(float(np.sum(vectors * whole)))
            dropped = left[int(np.argmax(nearness))]
            left.remove(dropped)
            order.append(dropped)
    finally:
        transformer.encoder.layer = stack
    return order


def student_of(model: SentenceTransformer, kept: Sequence[int]) -> SentenceTransformer:
    """A copy of the model with these layers alone, lowest first."""
    student: SentenceTransformer = copy.deepcopy(model)
    transformer: Any = student[0].model
    stack = transformer.encoder.layer
    transformer.encoder.layer = nn.ModuleList(stack[i] for i in sorted(kept))
    transformer.config.num_hidden_layers = len(kept)
    return student


def same_vectors(first: TorchEncoder, second: TorchEncoder, texts: Sequence[str]) -> float:
    """The largest difference of a coordinate between two encoders' vectors of ``texts``."""
    vectors = [encoder.encode(texts, kind="document") for encoder in (first, second)]
    return float(np.abs(vectors[0] - vectors[1]).max(initial=0.0))
