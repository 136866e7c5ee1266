"""An encoder without a model: hashed bags of words. Texts that share words are near."""

import hashlib
import threading
from collections.abc import Sequence

import numpy as np

from relatum_server.encoder.base import EncodedTexts, Kind, Lane


class FakeEncoder:
    """`Encoder` by feature hashing; `encoded` lists every text that was encoded."""

    def __init__(self, dimension: int = 64, encoder_id: str = "fake-encoder") -> None:
        self._dimension = dimension
        self._encoder_id = encoder_id
        self._lock = threading.Lock()
        self.encoded: list[str] = []

    @property
    def encoder_id(self) -> str:
        return self._encoder_id

    @property
    def dimension(self) -> int:
        return self._dimension

    @property
    def provider(self) -> str:
        return "CPUExecutionProvider"

    def encode(
        self,
        texts: Sequence[str],
        kind: Kind,
        *,
        deadline: float | None = None,
        lane: Lane = "query",
    ) -> EncodedTexts:
        with self._lock:
            self.encoded += texts
        vectors = np.zeros((len(texts), self._dimension), np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                digest = hashlib.sha256(word.strip(":;|,.").encode()).digest()
                sign = 1.0 if digest[4] % 2 else -1.0
                vectors[row, int.from_bytes(digest[:4]) % self._dimension] += sign
            if not vectors[row].any():
                vectors[row, 0] = 1.0
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return EncodedTexts(
            vectors, [len(text.split()) + 2 for text in texts], [False] * len(texts)
        )

    def close(self) -> None:
        pass
