"""The text vector of each product to write: given, kept from before, or encoded now."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relatum_server.artifact import TextForm
from relatum_server.domain import GivenVector, Product, ProductWrite, StoredProduct
from relatum_server.encoder.base import Encoder, Lane
from relatum_server.encoder.text import render
from relatum_server.errors import InvalidArgumentError
from relatum_server.store.base import Store

SPACE = "text"


@dataclass(frozen=True, slots=True)
class TextVector:
    """A product's vector: little-endian f16 bytes of length 1, or None without text."""

    packed: bytes | None
    text_hash: bytes = b""


class _RecentVectors:
    """The vectors of the texts encoded last: variants that read alike are spread over an import.

    32,768 of them take about 40 MB at 384 dimensions.
    """

    CAPACITY = 32_768

    def __init__(self) -> None:
        self._packed: OrderedDict[bytes, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, texts: Iterable[str]) -> dict[str, bytes]:
        """Those that are kept."""
        found = {}
        with self._lock:
            for text in texts:
                key = _hash(text)
                packed = self._packed.get(key)
                if packed is not None:
                    self._packed.move_to_end(key)
                    found[text] = packed
        return found

    def keep(self, packed: Mapping[str, bytes]) -> None:
        """Keep these, and drop those that were not asked for the longest."""
        with self._lock:
            for text, vector in packed.items():
                self._packed[_hash(text)] = vector
            while len(self._packed) > self.CAPACITY:
                self._packed.popitem(last=False)


class TextVectors:
    """Encodes only what changed, and equal texts once."""

    def __init__(self, encoder: Encoder, form: TextForm, store: Store) -> None:
        self._encoder = encoder
        self._form = form
        self._store = store
        self._recent = _RecentVectors()

    @property
    def encoder_id(self) -> str:
        """Id of the live encoder."""
        return self._encoder.encoder_id

    def check_given(self, vectors: Sequence[GivenVector], field: str) -> bytes | None:
        """The normalised text vector among those that came with a product.

        Raises:
            InvalidArgumentError: ENCODER_MISMATCH, another encoder's; another space, twice the
                same, a wrong length, not finite, or zero.
        """
        if not vectors:
            return None
        if len(vectors) > 1:
            raise InvalidArgumentError(f"{field}.vectors", "give one vector of the space 'text'")
        given, place = vectors[0], f"{field}.vectors[0]"
        if given.space != SPACE:
            raise InvalidArgumentError(
                f"{place}.space", f"{given.space[:64]!r} is not a space that is given; give 'text'"
            )
        if given.encoder_id != self._encoder.encoder_id:
            raise InvalidArgumentError(
                f"{place}.encoder_id",
                f"{given.encoder_id[:80]!r} is not the live encoder {self._encoder.encoder_id}; "
                "leave the vector out, and the server encodes the product",
                reason="ENCODER_MISMATCH",
            )
        size = 2 * self._encoder.dimension
        if len(given.packed_f16) != size:
            raise InvalidArgumentError(
                f"{place}.packed_f16", f"{len(given.packed_f16)} bytes where {size} are needed"
            )
        vector = np.frombuffer(given.packed_f16, "<f2").astype(np.float32)
        length = float(np.linalg.norm(vector))
        if not np.isfinite(length) or length == 0.0:
            raise InvalidArgumentError(
                f"{place}.packed_f16", "has a number that is not finite, or is all zero"
            )
        return pack(vector / length)

    def make(
        self,
        writes: Sequence[ProductWrite],
        given: Sequence[bytes | None],
        stored: Mapping[str, StoredProduct],
        *,
        lane: Lane,
        deadline: float | None,
    ) -> list[TextVector]:
        """Vectors of these products, in order.

        Args:
            writes: the products as they will be.
            given: what `check_given` said of each.
            stored: what the catalogue has of them now.
            lane: of the encoder's queue.
            deadline: monotonic seconds.
        """
        texts = [render(self._form, write.product) for write in writes]
        kept = self._unchanged(writes, texts, stored)
        wanted = dict.fromkeys(
            text
            for write, text, vector in zip(writes, texts, given, strict=True)
            if text and vector is None and write.product.id not in kept
        )
        packed = self._recent.find(wanted)
        new = [text for text in wanted if text not in packed]
        if new:
            encoded = self._encoder.encode(new, "DOCUMENT", deadline=deadline, lane=lane)
            made = {t: pack(v) for t, v in zip(new, encoded.vectors, strict=True)}
            self._recent.keep(made)
            packed |= made
        return [
            TextVector(
                vector if vector is not None else kept.get(write.product.id, packed.get(text)),
                _hash(text),
            )
            for write, text, vector in zip(writes, texts, given, strict=True)
        ]

    def text_of(self, product: Product) -> str:
        """The text that the encoder would see."""
        return render(self._form, product)

    def _unchanged(
        self,
        writes: Sequence[ProductWrite],
        texts: Sequence[str],
        stored: Mapping[str, StoredProduct],
    ) -> dict[str, bytes]:
        """Stored vectors, by id, of the products whose text is what it was."""
        same = {
            stored[write.product.id].key: write.product.id
            for write, text in zip(writes, texts, strict=True)
            if text
            and write.product.id in stored
            and render(self._form, stored[write.product.id].product) == text
        }
        if not same:
            return {}
        vectors = self._store.get_vectors(list(same), self._encoder.encoder_id)
        return {same[key]: packed for key, packed in vectors.items()}


def pack(vector: NDArray[np.float32]) -> bytes:
    """Little-endian half floats."""
    return vector.astype("<f2").tobytes()


def unpack(packed: bytes) -> NDArray[np.float32]:
    """float32 [dimension], of length 1 again after the rounding to half floats."""
    vector = np.frombuffer(packed, "<f2").astype(np.float32)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16] if text else b""
