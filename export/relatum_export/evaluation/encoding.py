"""Vectors of texts, computed once per encoder and kept on disk between runs."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from relatum_export.atomic_file import replacing
from relatum_export.console import Reporter
from relatum_export.corpus.text import TextForm
from relatum_export.training.batching import Kind
from relatum_export.training.encoder import TextEncoder

BLOCK_TEXTS = 2_000  # so that an interrupted evaluation keeps what it has encoded


class CachedEncoder:
    """A ``TextEncoder`` whose vectors are remembered; equal texts are encoded once.

    Vectors are kept by encoder and text, so any set of texts that shares some with an earlier one
    encodes the rest alone. A variant whose vectors depend on their batch-mates (dynamic int8) is
    thereby measured as one server would have answered once.

    Args:
        encoder: what computes.
        identity: hash over everything its vectors depend on.
        folder: where vectors are kept; None keeps them in memory alone.
        label: for the progress bar.
        reporter: draws the bar.
    """

    def __init__(
        self,
        encoder: TextEncoder,
        identity: str,
        folder: Path | None,
        label: str,
        reporter: Reporter,
    ) -> None:
        self._encoder = encoder
        self._label = label
        self._reporter = reporter
        self._file = folder / f"{identity}.npz" if folder else None
        self._row: dict[bytes, int] = {}
        self._vectors = np.zeros((0, encoder.dimension), np.float32)
        if self._file is not None and self._file.is_file():
            with np.load(self._file, allow_pickle=False) as stored:
                keys = stored["keys"]
                self._vectors = stored["vectors"]
            self._row = {key.tobytes(): i for i, key in enumerate(keys)}

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._encoder.dimension

    @property
    def text_form(self) -> TextForm | None:
        """How products become text before this encoder, if that was chosen."""
        return self._encoder.text_form

    def encode(self, texts: Sequence[str], *, kind: Kind) -> NDArray[np.float32]:
        """Float32 [len(texts), dimension], rows of length 1; a row of zeros for an empty text."""
        keys = [_key(kind, text) for text in texts]
        new = {k: t for k, t in zip(keys, texts, strict=True) if t and k not in self._row}
        if new:
            self._add(list(new.items()), kind)
        out = np.zeros((len(texts), self.dimension), np.float32)
        filled = [i for i, text in enumerate(texts) if text]
        out[filled] = self._vectors[[self._row[keys[i]] for i in filled]]
        return out

    def _add(self, new: list[tuple[bytes, str]], kind: Kind) -> None:
        with self._reporter.progress(f"encode with {self._label}", len(new)) as advance:
            for start in range(0, len(new), BLOCK_TEXTS):
                block = new[start : start + BLOCK_TEXTS]
                texts = [text for _, text in block]
                vectors = self._encoder.encode(texts, kind=kind, progress=advance)
                self._row.update({k: len(self._row) + i for i, (k, _) in enumerate(block)})
                self._vectors = np.concatenate([self._vectors, vectors])
                self._save()

    def _save(self) -> None:
        if self._file is None:
            return
        keys = np.frombuffer(b"".join(self._row), np.uint8).reshape(len(self._row), -1)
        with replacing(self._file) as part:
            np.savez(part, keys=keys, vectors=self._vectors)


def _key(kind: Kind, text: str) -> bytes:
    return hashlib.sha256(f"{kind}\x00{text}".encode()).digest()[:16]
