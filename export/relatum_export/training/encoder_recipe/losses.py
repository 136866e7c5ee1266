"""The losses of sentence-transformers, with the masks and comparisons that this recipe adds."""

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import (
    CoSENTLoss,
    MatryoshkaLoss,
    MultipleNegativesRankingLoss,
)
from torch import Tensor, nn

from relatum_export.training.encoder_recipe.false_negatives import FalseNegatives
from relatum_export.training.settings import TrainSettings


class MaskedRankingLoss(MultipleNegativesRankingLoss):
    """Symmetric contrastive loss over a batch, false negatives left out of both softmaxes.

    The labels of a batch are its rows in the table of ``masks``, int64 [batch].

    **Source**: without masks: Günther et al. 2024, "Jina Embeddings 2", section 4.1 (the mean of
    both directions).
    """

    def __init__(self, model: SentenceTransformer, masks: FalseNegatives, scale: float) -> None:
        super().__init__(
            model,
            scale=scale,
            directions=("query_to_doc", "doc_to_query"),
            partition_mode="per_direction",
        )
        self.masks = masks

    def compute_loss_from_embeddings(self, embeddings: list[Tensor], labels: Tensor) -> Tensor:
        """Of anchors, partners and, column by column, hard negatives, float32 [batch, d] each."""
        anchors, candidates = embeddings[0], torch.cat(embeddings[1:])
        forward, backward = self.masks.masks(labels.cpu().numpy().astype(np.int64))
        scores: Tensor = self.similarity_fct(anchors, candidates) * self.scale
        target = torch.arange(len(scores), device=scores.device)
        sides = [(scores, forward), (scores[:, : len(scores)].T, backward)]
        losses = [
            nn.functional.cross_entropy(
                side.masked_fill(torch.from_numpy(mask).to(side.device), -torch.inf), target
            )
            for side, mask in sides
        ]
        return (losses[0] + losses[1]) / 2


class GradedLoss(CoSENTLoss):
    """CoSENT over a batch, or over the pairs of each query in it alone.

    The labels of a batch are float [batch, 2]: the grade, and the number of the anchor.
    """

    def __init__(self, model: SentenceTransformer, scale: float, *, within_query: bool) -> None:
        super().__init__(model, scale=scale)
        self.within_query = within_query

    def compute_loss_from_embeddings(self, embeddings: list[Tensor], labels: Tensor) -> Tensor:
        """log(1 + sum of exp(scale (s_low - s_high))) over pairs of different grades.

        **Source**: Su 2022, "CoSENT", https://kexue.fm/archives/8847.
        """
        scores = self.similarity_fct(embeddings[0], embeddings[1]) * self.scale
        grades, anchors = labels[:, 0], labels[:, 1]
        compared = grades[:, None] < grades[None, :]
        if self.within_query:
            compared &= anchors[:, None] == anchors[None, :]
        differences = (scores[:, None] - scores[None, :])[compared]
        return torch.logsumexp(torch.cat((differences.new_zeros(1), differences)), dim=0)


def matryoshka(model: SentenceTransformer, loss: nn.Module, settings: TrainSettings) -> nn.Module:
    """The loss on leading coordinates as well, as far as the encoder has them."""
    dims, weights = matryoshka_dims(int(model.get_embedding_dimension() or 0), settings)
    if dims == [max(dims)]:
        return loss
    wrapped: nn.Module = MatryoshkaLoss(model, loss, dims, weights)
    return wrapped


def matryoshka_dims(whole: int, settings: TrainSettings) -> tuple[list[int], list[float]]:
    """Lengths up to the encoder's own, which is always among them, and their weights."""
    given = settings.matryoshka_dims
    if not given:
        return [whole], [1.0]
    weights = settings.matryoshka_weights or tuple(1.0 for _ in given)
    chosen = {dim: weight for dim, weight in zip(given, weights, strict=True) if dim <= whole}
    chosen.setdefault(whole, 1.0)
    dims = sorted(chosen, reverse=True)
    return dims, [chosen[dim] for dim in dims]
