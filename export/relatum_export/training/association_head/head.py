"""The association head: two vectors and the features of a pair in, four probabilities out."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from relatum_export.training.association_head.classes import CLASSES
from relatum_export.training.association_head.trees import Trees, TreeShape

LEAST_PIECE = 1e-6
LEAST_SPREAD = 0.1  # of the median: a coordinate that hardly varies must not be blown up
NEVER = -1e4  # logit of a class that no label spoke for: its probability is 0


@dataclass(frozen=True, slots=True)
class HeadShape:
    """Sizes that the weights alone do not tell.

    Attributes:
        dimension: of a product's vector.
        features: lexical features of a pair; 0 where they are not used.
        pieces: columns of their piecewise linear encoding.
        hidden: width of the layer between.
        members: that read vectors and features.
        word_members: that read the features alone.
        trees: sizes of the trees; without nodes there are none.
    """

    dimension: int
    features: int
    pieces: int
    hidden: int
    members: int
    word_members: int = 0
    trees: TreeShape = field(default_factory=TreeShape)

    def as_json(self) -> dict[str, Any]:
        """As written to the run."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "HeadShape":
        """The inverse of ``as_json``."""
        return cls(**{**data, "trees": TreeShape(**data["trees"])})


class PairInput(nn.Module):
    """From vectors and features to the inputs of the first layer.

    The vectors are standardised over the catalogue; with a, b so standardised the inputs are
    a, b, |a - b|, a * b and, of each feature and of the cosine, one column a piece: 0 below its
    lower end, 1 above its upper end, linear between (then less a half).

    **Source**: Gorishniy, Rubachev and Babenko 2022, On Embeddings for Numerical Features in
    Tabular Deep Learning, section 3.2 (piecewise linear encoding).
    """

    mean: torch.Tensor
    spread: torch.Tensor
    column: torch.Tensor
    low: torch.Tensor
    width: torch.Tensor

    def __init__(self, shape: HeadShape) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(shape.dimension))
        self.register_buffer("spread", torch.ones(shape.dimension))
        self.register_buffer("column", torch.zeros(shape.pieces, dtype=torch.int64))
        self.register_buffer("low", torch.zeros(shape.pieces))
        self.register_buffer("width", torch.ones(shape.pieces))

    @classmethod
    def fitted(
        cls,
        shape_of: "HeadShape",
        vectors: NDArray[np.float32],
        edges: list[tuple[int, float, float]],
    ) -> "PairInput":
        """With the catalogue's mean and spread, and the pieces (column, low, high)."""
        made = cls(shape_of)
        made.mean.copy_(torch.from_numpy(vectors.mean(axis=0)))
        spread = vectors.std(axis=0)
        spread = np.maximum(spread, max(LEAST_SPREAD * float(np.median(spread)), LEAST_PIECE))
        made.spread.copy_(torch.from_numpy(spread))
        made.column.copy_(torch.tensor([column for column, _, _ in edges], dtype=torch.int64))
        made.low.copy_(torch.tensor([low for _, low, _ in edges]))
        made.width.copy_(torch.tensor([high - low for _, low, high in edges]))
        return made

    def forward(
        self, a: torch.Tensor, b: torch.Tensor, features: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Float32 [pairs, d] twice and [pairs, features] to [pairs, 4 d] and [pairs, pieces]."""
        known = with_cosine(a, b, features)
        pieces = (known.index_select(1, self.column) - self.low) / self.width
        a, b = (a - self.mean) / self.spread, (b - self.mean) / self.spread
        crossed = torch.cat([a, b, (a - b).abs(), a * b], dim=1)
        return crossed, pieces.clamp(0.0, 1.0) - 0.5


class Member(nn.Module):
    """Two fully connected layers.

    Args:
        shape: sizes.
        vectors: whether it reads the two vectors, or the features alone.
        dropout: of the hidden units.
        vector_dropout: of the inputs made of the vectors.
    """

    def __init__(
        self, shape: HeadShape, *, vectors: bool, dropout: float = 0.0, vector_dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.vectors = vectors
        self.vector_dropout = nn.Dropout(vector_dropout)
        inputs = 4 * shape.dimension * vectors + shape.pieces
        self.first = nn.Linear(inputs, shape.hidden)
        self.activation = nn.GELU()
        self.dropout = nn.Dropout(dropout)
        self.second = nn.Linear(shape.hidden, len(CLASSES))

    def forward(self, crossed: torch.Tensor, pieces: torch.Tensor) -> torch.Tensor:
        """Inputs of ``PairInput`` to logits, float32 [pairs, classes]."""
        inputs = pieces
        if self.vectors:
            inputs = torch.cat([self.vector_dropout(crossed), pieces], dim=1)
        logits: torch.Tensor = self.second(self.dropout(self.activation(self.first(inputs))))
        return logits


class AssociationHead(nn.Module):
    """Up to three parts, whose logits are mixed by fixed shares and divided by the temperature.

    The parts: members that read vectors and features, members that read the features alone, and
    trees over the features; members of a part are averaged. Classes never trained get
    probability 0.
    """

    shares: torch.Tensor
    temperature: torch.Tensor
    never: torch.Tensor

    def __init__(self, shape: HeadShape) -> None:
        super().__init__()
        self.shape = shape
        self.inputs = PairInput(shape)
        self.members = nn.ModuleList(Member(shape, vectors=True) for _ in range(shape.members))
        self.word_members = nn.ModuleList(
            Member(shape, vectors=False) for _ in range(shape.word_members)
        )
        self.trees = Trees(shape.trees) if shape.trees.nodes else None
        first = torch.tensor([1.0, 0.0, 0.0])
        self.register_buffer("shares", first)  # of members, word members, trees
        self.register_buffer("temperature", torch.ones(()))
        self.register_buffer("never", torch.zeros(len(CLASSES)))

    def parts(self, a: torch.Tensor, b: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        """Logits of each part, 0 for one that is not there, float32 [3, pairs, classes]."""
        crossed, pieces = self.inputs(a, b, features)
        nothing = torch.zeros(len(CLASSES)).expand(a.shape[0], -1)
        found = [
            torch.stack([member(crossed, pieces) for member in members]).mean(dim=0)
            if len(members)
            else nothing
            for members in (self.members, self.word_members)
        ]
        known = with_cosine(a, b, features)
        found.append(nothing if self.trees is None else self.trees(known))
        return torch.stack(found)

    def logits(self, a: torch.Tensor, b: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        """Before temperature, float32 [pairs, classes]."""
        mixed = (self.parts(a, b, features) * self.shares[:, None, None]).sum(dim=0)
        return mixed + self.never

    def mix(self, shares: Sequence[float]) -> None:
        """Set the shares of the three parts; a part without a share is dropped."""
        self.shares.copy_(torch.tensor(shares))
        if not shares[0]:
            self.members = nn.ModuleList()
        if not shares[1]:
            self.word_members = nn.ModuleList()
        if not shares[2]:
            self.trees = None
        self.shape = replace(
            self.shape,
            members=len(self.members),
            word_members=len(self.word_members),
            trees=TreeShape() if self.trees is None else self.trees.shape,
        )

    def forward(self, a: torch.Tensor, b: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        """Probabilities, float32 [pairs, classes]."""
        return torch.softmax(self.logits(a, b, features) / self.temperature, dim=1)

    def classes_trained(self) -> list[str]:
        """Names of the classes that labels spoke for."""
        return [name for name, never in zip(CLASSES, self.never.tolist(), strict=True) if not never]


class WithoutFeatures(nn.Module):
    """A head of vectors alone, so that its graph has two inputs."""

    def __init__(self, head: AssociationHead) -> None:
        super().__init__()
        self.head = head

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """Probabilities, float32 [pairs, classes]."""
        probabilities: torch.Tensor = self.head(a, b, a[:, :0])
        return probabilities


def with_cosine(a: torch.Tensor, b: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
    """The features and, last, the cosine of unit vectors, float32 [pairs, features + 1]."""
    return torch.cat([features, (a * b).sum(dim=1, keepdim=True)], dim=1)


def quantile_pieces(values: NDArray[np.float32], bins: int) -> list[tuple[int, float, float]]:
    """Pieces (column, low, high) between the quantiles of each column; a constant column has none.

    Args:
        values: features of train, the cosine last, float32 [pairs, columns].
        bins: pieces of a column at most.
    """
    pieces: list[tuple[int, float, float]] = []
    for column in range(values.shape[1]):
        edges = np.unique(np.quantile(values[:, column], np.linspace(0, 1, bins + 1)))
        pieces += [
            (column, float(low), float(high))
            for low, high in pairwise(edges)
            if high - low > LEAST_PIECE
        ]
    return pieces


def state_of(head: nn.Module) -> dict[str, Any]:
    """Weights as contiguous tensors, ready for safetensors."""
    return {name: tensor.detach().contiguous() for name, tensor in head.state_dict().items()}
