"""The user encoder: a causal transformer over the behaviour vectors of a history.

Items and shoppers share one space. An item's vector is a learned id vector plus a linear projection
of its frozen text vector, at length 1; the encoder reads such vectors and answers with one of
length 1, so that an inner product ranks the catalogue and an unseen product can be read too.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from relatum_export.training.users.settings import UserSettings

GAP_BUCKETS = 18  # 0: unknown; else 1 + log2(1 + hours), capped
HOURS = 24.0


class ItemTable(nn.Module):
    """Behaviour vectors of the catalogue.

    Args:
        text: frozen text vectors, float32 [items, text dimension]; zeros where an item has none.
        dimension: of the behaviour space.
    """

    text: torch.Tensor

    def __init__(self, text: torch.Tensor, dimension: int) -> None:
        super().__init__()
        self.register_buffer("text", text, persistent=False)
        # Ids start at zero, so that text leads and an item's own vector is what text cannot say;
        # but without text that would be a vector of no length, whose gradient has no bounds.
        silent = ~text.any(dim=1, keepdim=True)
        self.id = nn.Parameter(torch.randn(len(text), dimension) / math.sqrt(dimension) * silent)
        self.projection = nn.Linear(text.shape[1], dimension, bias=False)
        nn.init.normal_(self.projection.weight, std=1.0 / math.sqrt(dimension))

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Float32 [len(rows), dimension], rows of length 1, of the items int64 ``rows``."""
        raw = self.id[rows] + self.projection(self.text[rows])
        return functional.normalize(raw, dim=-1)


class Block(nn.Module):
    """Causal self-attention and a feed-forward layer, each normalised before (pre-LN)."""

    def __init__(self, dimension: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.before_attention = nn.LayerNorm(dimension)
        self.query_key_value = nn.Linear(dimension, 3 * dimension)
        self.output = nn.Linear(dimension, dimension)
        self.before_feed_forward = nn.LayerNorm(dimension)
        self.feed_forward = nn.Sequential(
            nn.Linear(dimension, 2 * dimension),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(2 * dimension, dimension),
        )
        self.drop = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Float32 [batch, length, dimension] to the same."""
        batch, length, dimension = x.shape
        mixed = self.query_key_value(self.before_attention(x))
        mixed = mixed.view(batch, length, 3, self.heads, dimension // self.heads)
        query, key, value = mixed.permute(2, 0, 3, 1, 4).unbind(0)
        attended = functional.scaled_dot_product_attention(
            query, key, value, dropout_p=self.dropout if self.training else 0.0, is_causal=True
        )
        attended = attended.transpose(1, 2).reshape(batch, length, dimension)
        x = x + self.drop(self.output(attended))
        hidden: torch.Tensor = self.feed_forward(self.before_feed_forward(x))
        out: torch.Tensor = x + self.drop(hidden)
        return out


class UserEncoder(nn.Module):
    """A history of behaviour vectors to the shopper's query into the same space."""

    def __init__(self, settings: UserSettings) -> None:
        super().__init__()
        dimension, dropout = settings.dimension, settings.dropout
        self.dimension = dimension
        self.max_history = settings.max_history
        self.position = nn.Embedding(settings.max_history, dimension)
        self.gap = None if settings.time_gaps == "off" else nn.Embedding(GAP_BUCKETS, dimension)
        nn.init.normal_(self.position.weight, std=0.02)
        if self.gap is not None:
            nn.init.zeros_(self.gap.weight)
        self.drop = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(
            Block(dimension, settings.heads, dropout) for _ in range(settings.layers)
        )
        self.last = nn.LayerNorm(dimension)
        self.head = nn.Linear(dimension, dimension)

    def states(self, vectors: torch.Tensor, gap_days: torch.Tensor) -> torch.Tensor:
        """The query after each event.

        Args:
            vectors: behaviour vectors, oldest first, float32 [batch, length, dimension]; what
                follows a history's end is never seen by it.
            gap_days: days from each event to the next, of the last to now, float32
                [batch, length]; negative where unknown.

        Returns:
            float32 [batch, length, dimension], vectors of length 1.
        """
        places = torch.arange(vectors.shape[1], device=vectors.device)
        # A product placed by its text alone has a shorter vector; only its direction is read.
        read = functional.normalize(vectors, dim=-1) * math.sqrt(self.dimension)
        x = read + self.position(places)
        if self.gap is not None:
            x = x + self.gap(buckets(gap_days))
        x = self.drop(x)
        for block in self.blocks:
            x = block(x)
        return functional.normalize(self.head(self.last(x)), dim=-1)

    def forward(
        self, vectors: torch.Tensor, lengths: torch.Tensor, gap_days: torch.Tensor
    ) -> torch.Tensor:
        """The query after each history's last event, float32 [batch, dimension].

        Args:
            vectors: as in ``states``, padded at the end with anything.
            lengths: events of each history, int64 [batch], from 1 to ``max_history``.
            gap_days: as in ``states``.
        """
        states = self.states(vectors, gap_days)
        newest = (lengths - 1)[:, None, None].expand(-1, 1, self.dimension)
        return states.gather(1, newest).squeeze(1)


class UserModel(nn.Module):
    """Items and encoder: all that is learned.

    Args:
        text: frozen text vectors, float32 [items, text dimension].
        settings: sizes.
    """

    def __init__(self, text: NDArray[np.float32], settings: UserSettings) -> None:
        super().__init__()
        self.items = ItemTable(torch.from_numpy(text), settings.dimension)
        self.encoder = UserEncoder(settings)

    def item_vectors(self) -> NDArray[np.float32]:
        """Float32 [items, dimension]; from text alone where nobody bought an item."""
        with torch.inference_mode():
            rows = torch.arange(len(self.items.text), device=self.items.text.device)
            vectors: NDArray[np.float32] = self.items(rows).cpu().numpy()
        return vectors


def buckets(gap_days: torch.Tensor) -> torch.Tensor:
    """Each gap's bucket, int64: 0 unknown, 1 none, then one a doubling of 1 + hours."""
    doublings = torch.log2(1.0 + gap_days.clamp(min=0.0) * HOURS).floor() + 1.0
    known = (gap_days >= 0.0).to(doublings.dtype)
    return (doublings * known).clamp(max=GAP_BUCKETS - 1).to(torch.int64)
