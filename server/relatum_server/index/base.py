"""What services ask of a vector index."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.int64]
Vectors = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Hits:
    """The nearest of one query, best first; ties by key.

    Attributes:
        keys: int64 [n], n <= k.
        scores: float32 [n], inner products.
    """

    keys: Keys
    scores: NDArray[np.float32]


class Space(Protocol):
    """Vectors by integer key that can be asked. Safe from any thread."""

    def search(self, query: Vectors, k: int, *, allowed: Mask | None = None) -> Hits:
        """The k with the largest inner products with a query [d]; see `Index.search`."""
        ...

    def get(self, keys: Keys) -> tuple[Vectors, Mask]:
        """Vectors [n, d] (zeros where absent) and bool [n], which of them are present."""
        ...

    def scores(self, query: Vectors, keys: Keys) -> tuple[NDArray[np.float64], Mask]:
        """Inner products [n] with a query [d] (0 where absent) and bool [n], which are present."""
        ...


class Index(Protocol):
    """Vectors of length 1 by integer key (0 <= key < 2**31). Safe from any thread."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        ...

    def __len__(self) -> int:
        """Live vectors."""
        ...

    def upsert(self, keys: Keys, vectors: Vectors) -> None:
        """Insert or replace; distinct keys.

        Raises:
            InvalidArgumentError: wrong dimension, a non-finite or a zero vector; nothing is
                written.
        """
        ...

    def remove(self, keys: Keys) -> None:
        """Remove; unknown keys are ignored."""
        ...

    def search(self, query: Vectors, k: int, *, allowed: Mask | None = None) -> Hits:
        """The k nearest of a query [d] by inner product.

        Args:
            query: float32 [d].
            k: at least 1.
            allowed: bool [n] by key (keys beyond its length are not allowed), or None for all.
        """
        ...

    def get(self, keys: Keys) -> tuple[Vectors, Mask]:
        """Vectors [n, d] (zeros where absent) and bool [n], which of them are present."""
        ...

    def scores(self, query: Vectors, keys: Keys) -> tuple[NDArray[np.float64], Mask]:
        """Inner products [n] with a query [d] (0 where absent) and bool [n], which are present.

        An index of half floats rounds the query to them as well.
        """
        ...

    def close(self) -> None:
        """Release memory and files. Safe twice."""
        ...


class LexicalDocument(NamedTuple):
    """The words of one product.

    Attributes:
        key: of the product.
        title: counts most.
        names: brand and categories; with the title, what a misspelt word may have meant.
        other: the rest.
    """

    key: int
    title: str
    names: str = ""
    other: str = ""


@dataclass(frozen=True, slots=True)
class WordProfile:
    """A text, or liked titles less disliked ones, as weighted words; length 1 with unknown words.

    Attributes:
        numbers: int64 [n], ascending, of words that titles have.
        weights: float64 [n]; below 0 where disliked.
    """

    numbers: NDArray[np.int64]
    weights: NDArray[np.float64]


class WordSpace(Protocol):
    """Titles as weighted words. Safe from any thread."""

    def profile_of(self, positives: Sequence[int], negatives: Sequence[int]) -> WordProfile | None:
        """Liked products less disliked ones; None where no liked one has words."""
        ...

    def scores(self, profile: WordProfile, keys: Keys) -> NDArray[np.float64]:
        """Similarity [n] of each product, at most 1; 0 where it shares no word."""
        ...

    def search(self, profile: WordProfile, k: int, *, allowed: Mask | None = None) -> Hits:
        """The k most alike of the products that share one of the profile's rarest words."""
        ...


class LexicalIndex(Protocol):
    """BM25 over the products' words. Safe from any thread."""

    @property
    def titles(self) -> WordSpace | None:
        """The titles' words as vectors; None where the artifact does not weigh words."""
        ...

    def upsert(self, documents: Sequence[LexicalDocument]) -> None:
        """Insert or replace."""
        ...

    def remove(self, keys: Sequence[int]) -> None:
        """Remove; unknown keys are ignored."""
        ...

    def search(self, query: str, k: int, *, allowed: Mask | None = None) -> Hits:
        """The k best by BM25 (any word matches); scores positive, higher is better."""
        ...

    def score(self, query: str, keys: Sequence[int]) -> NDArray[np.float32]:
        """BM25 [n] of just these; 0 where no word matches."""
        ...

    def correct(self, query: str, asked_before: Callable[[str], bool]) -> str:
        """The query with misspelt words replaced by words of the products.

        Args:
            query: as typed.
            asked_before: whether shoppers share a word (lower case), which then stays.
        """
        ...

    def complete(self, prefix: str, k: int) -> Sequence[int]:
        """Keys of products whose title has words that begin with those of the prefix."""
        ...

    def close(self) -> None:
        """Release files. Safe twice."""
        ...
