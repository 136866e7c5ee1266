"""Texts to vectors."""

from collections.abc import Sequence

import numpy as np

from relatum_server.encoder.base import EncodedTexts, Encoder, Kind
from relatum_server.errors import InvalidArgumentError
from relatum_server.services.limits import Limits
from relatum_server.services.validation import Violations


class EmbeddingService:
    """EmbedTexts."""

    def __init__(
        self, encoder: Encoder, matryoshka_dimensions: Sequence[int], limits: Limits
    ) -> None:
        """Serve this encoder; vectors may be cut to `matryoshka_dimensions`."""
        self._encoder = encoder
        self._dimensions = frozenset(matryoshka_dimensions) | {encoder.dimension}
        self._limits = limits

    @property
    def encoder_id(self) -> str:
        """Id of the encoder that makes the vectors."""
        return self._encoder.encoder_id

    def embed(
        self,
        texts: Sequence[str],
        kind: Kind = "DOCUMENT",
        *,
        dimension: int = 0,
        deadline: float | None = None,
    ) -> EncodedTexts:
        """Encode texts, in order.

        Args:
            texts: 1..max_texts of 1..max_text_bytes bytes.
            kind: what the texts are to the model.
            dimension: 0 for the encoder's own, else one that the artifact allows.
            deadline: monotonic seconds.

        Returns:
            float32 rows of length 1 and of the dimension asked for.

        Raises:
            InvalidArgumentError: too many, too long, empty or NUL-bearing texts; a dimension that
                the artifact does not allow.
        """
        found = Violations()
        if found.count("texts", len(texts), 1, self._limits.max_texts):
            for i, text in enumerate(texts):
                if not text:
                    found.add(f"texts[{i}]", "is empty; give a text")
                found.text(f"texts[{i}]", text, self._limits.max_text_bytes)
        if dimension and dimension not in self._dimensions:
            allowed = ", ".join(str(d) for d in sorted(self._dimensions))
            found.add("dimension", f"{dimension} is not one of {allowed}, nor 0")
        found.check()
        encoded = self._encoder.encode(texts, kind, deadline=deadline)
        if dimension in {0, self._encoder.dimension}:
            return encoded
        cut = encoded.vectors[:, :dimension]
        # A vector whose beginning is all zero has no direction: it stays zero rather than NaN.
        length = np.maximum(np.linalg.norm(cut, axis=1, keepdims=True), np.finfo(np.float32).tiny)
        vectors = (cut / length).astype(np.float32)
        return EncodedTexts(vectors, encoded.token_counts, encoded.truncated)


def check_one_text(field: str, text: str, limits: Limits) -> None:
    """Raise InvalidArgumentError unless it is a text of 1..max_query_bytes without NUL."""
    if not text.strip():
        raise InvalidArgumentError(field, "is empty; give words")
    found = Violations()
    found.text(field, text, limits.max_query_bytes)
    found.check()
