"""The answer head: moves questions and passages to where a question lies near its answer.

A text encoder places what reads alike side by side, and a reply seldom repeats its question. Each
side gets a residual of two fully-connected layers over the frozen vector; a question and a passage
are compared by the cosine of what comes out.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize


@dataclass(frozen=True, slots=True)
class AnswerShape:
    """Sizes of a head.

    Attributes:
        dimension: of the encoder's vectors.
        hidden: width of the layer between.
        members: heads side by side.
        dropout: in training alone.
    """

    dimension: int
    hidden: int
    members: int
    dropout: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """For the run folder."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Of what ``as_json`` gave."""
        return cls(**data)


class Side(nn.Module):
    """Questions, or passages: the centred vector plus a residual, length 1."""

    mean: Tensor

    def __init__(self, shape: AnswerShape) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(shape.dimension))
        last = nn.Linear(shape.hidden, shape.dimension)
        self.residual = nn.Sequential(
            nn.Dropout(shape.dropout),
            nn.Linear(shape.dimension, shape.hidden),
            nn.GELU(),
            nn.Dropout(shape.dropout),
            last,
        )
        nn.init.zeros_(last.weight)  # it begins as the encoder itself
        nn.init.zeros_(last.bias)

    def forward(self, vectors: Tensor) -> Tensor:
        """Float32 [n, d] to float32 [n, d], rows of length 1."""
        return normalize(normalize(vectors - self.mean, dim=1) + self.residual(vectors), dim=1)


class Member(nn.Module):
    """One head: both sides."""

    def __init__(self, shape: AnswerShape) -> None:
        super().__init__()
        self.question = Side(shape)
        self.passage = Side(shape)


class AnswerHead(nn.Module):
    """All members side by side."""

    def __init__(self, shape: AnswerShape) -> None:
        super().__init__()
        self.shape = shape
        self.members = nn.ModuleList(Member(shape) for _ in range(shape.members))

    def side(self, name: str) -> nn.Module:
        """``question`` or ``passage`` as a graph of its own: float32 [n, d] to [n, members x d]."""
        return Joined([getattr(member, name) for member in self.members])


class Joined(nn.Module):
    """One side of all members: rows of length 1 whose inner product is the mean of theirs."""

    def __init__(self, sides: list[nn.Module]) -> None:
        super().__init__()
        self.sides = nn.ModuleList(sides)

    def forward(self, vectors: Tensor) -> Tensor:
        """Float32 [n, d] to float32 [n, members x d]."""
        joined: Tensor = torch.cat([side(vectors) for side in self.sides], dim=1)
        return joined / math.sqrt(len(self.sides))
