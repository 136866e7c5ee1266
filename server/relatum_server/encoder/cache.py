"""Vectors of texts encoded before, in front of the queue; equal texts at one time run once."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from relatum_server.encoder.base import EncodedTexts, Kind, Lane
from relatum_server.errors import DeadlineExceededError

# What an entry costs beside its vector: key, array header, record, link and slot of the table.
_ENTRY_OVERHEAD_BYTES = 400
_KEY_BYTES = 16


@dataclass(frozen=True, slots=True)
class EncodedText:
    """One text's vector (float32 [dimension], read-only) with its tokens."""

    vector: NDArray[np.float32]
    token_count: int
    truncated: bool


def normalize(text: str) -> str:
    """White space as single blanks: texts alike after this are encoded, and cached, as one.

    What is encoded is the normalised text itself, so a hit is exactly what a miss would give.
    """
    return " ".join(text.split())


class VectorCache:
    """Least recently used entries go first once `max_bytes` are in use. Safe for many threads.

    Args:
        encoder_id: Part of every key.
        max_bytes: Bound of the entries with their overhead; 0 keeps none, and equal texts at
            one time still run once.
    """

    def __init__(self, encoder_id: str, max_bytes: int) -> None:
        self._encoder_id = encoder_id
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._entries: OrderedDict[bytes, EncodedText] = OrderedDict()
        self._running: dict[bytes, Future[EncodedText]] = {}
        self._bytes = 0
        self._hits = 0
        self._misses = 0

    @property
    def size_bytes(self) -> int:
        """Memory of the entries."""
        return self._bytes

    @property
    def hits(self) -> int:
        """Texts answered without inference of their own."""
        return self._hits

    @property
    def misses(self) -> int:
        """Texts that were encoded."""
        return self._misses

    def encode(
        self,
        texts: Sequence[str],
        kind: Kind,
        compute: Callable[[list[str]], EncodedTexts],
        *,
        wait_s: Callable[[], float | None],
        lane: Lane,
    ) -> list[EncodedText]:
        """What is known from the cache, what others run from them, the rest from `compute`.

        Args:
            texts: Normalised texts; may repeat.
            kind: Part of the key, because it decides the prefix.
            compute: Encodes the distinct texts that nobody else is encoding.
            wait_s: Seconds that the caller still has; None is for ever.
            lane: Bulk texts are looked up but not kept: an import would empty the cache.

        Raises:
            DeadlineExceededError: Another caller's run of an equal text did not end in time.
            RelatumError: What `compute` raises. A failure of another caller's run is not passed
                on; this caller then computes for itself.
        """
        keys = [self._key(text, kind) for text in texts]
        found: dict[bytes, EncodedText] = {}
        while True:
            mine, theirs = self._claim(keys, texts, found)
            if mine:
                found.update(self._lead(mine, compute, keep=lane == "query"))
            if not theirs:
                return [found[key] for key in keys]
            for key, future in theirs.items():
                if (encoded := _follow(future, wait_s())) is not None:
                    found[key] = encoded

    def _key(self, text: str, kind: Kind) -> bytes:
        # A digest keeps entries of long texts small and shoppers' words out of memory dumps.
        content = f"{self._encoder_id}\0{kind}\0{text}".encode()
        return blake2b(content, digest_size=_KEY_BYTES).digest()

    def _claim(
        self, keys: Sequence[bytes], texts: Sequence[str], found: dict[bytes, EncodedText]
    ) -> tuple[dict[bytes, str], dict[bytes, "Future[EncodedText]"]]:
        """Fill `found` from the entries; split the rest into mine to run and run by others."""
        mine: dict[bytes, str] = {}
        theirs: dict[bytes, Future[EncodedText]] = {}
        with self._lock:
            for key, text in zip(keys, texts, strict=True):
                if key in found or key in mine or key in theirs:
                    continue
                if (entry := self._entries.get(key)) is not None:
                    self._entries.move_to_end(key)
                    self._hits += 1
                    found[key] = entry
                elif (running := self._running.get(key)) is not None:
                    self._hits += 1
                    theirs[key] = running
                else:
                    self._misses += 1
                    mine[key] = text
                    self._running[key] = Future()
        return mine, theirs

    def _lead(
        self,
        mine: dict[bytes, str],
        compute: Callable[[list[str]], EncodedTexts],
        *,
        keep: bool,
    ) -> dict[bytes, EncodedText]:
        encoded: dict[bytes, EncodedText] = {}
        try:
            result = compute(list(mine.values()))
            for row, key in enumerate(mine):
                vector = result.vectors[row].copy()
                vector.flags.writeable = False
                encoded[key] = EncodedText(vector, result.token_counts[row], result.truncated[row])
        finally:
            with self._lock:
                for key in mine:
                    future = self._running.pop(key)
                    if (entry := encoded.get(key)) is None:
                        future.cancel()
                        continue
                    if keep:
                        self._store(key, entry)
                    future.set_result(entry)
        return encoded

    def _store(self, key: bytes, entry: EncodedText) -> None:
        size = entry.vector.nbytes + _ENTRY_OVERHEAD_BYTES
        self._entries[key] = entry
        self._bytes += size
        while self._bytes > self._max_bytes:
            _, old = self._entries.popitem(last=False)
            self._bytes -= old.vector.nbytes + _ENTRY_OVERHEAD_BYTES


def _follow(future: "Future[EncodedText]", wait_s: float | None) -> EncodedText | None:
    """The result of another caller's run; None if that run failed."""
    try:
        return future.result(timeout=wait_s)
    except FutureTimeoutError:
        raise DeadlineExceededError(
            "the deadline passed before the text was encoded; allow more time"
        ) from None
    except CancelledError:
        return None
