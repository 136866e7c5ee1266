"""Vectors of texts, computed once per encoder and kept on disk between runs."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from relatum_export.artifact.identity import encoder_id
from relatum_export.atomic_file import replacing
from relatum_export.console import Reporter
from relatum_export.corpus.text import FULL, TextForm
from relatum_export.training.arithmetic import takes_bf16
from relatum_export.training.batching import Kind, Progress
from relatum_export.training.encoder import TextEncoder, TorchEncoder

BLOCK_TEXTS = 2_000  # so that an interrupted evaluation keeps what it has encoded
KEY_BYTES = 16


class CachedEncoder:
    """A ``TextEncoder`` whose vectors are remembered; equal texts are encoded once.

    Vectors are kept by encoder and text, so any set of texts that shares some with an earlier one
    encodes the rest alone. What was encoded at once is a file of its own, named by its texts:
    commands side by side lose nothing of each other's. A variant whose vectors depend on their
    batch-mates (dynamic int8) is thereby measured as one server would have answered once.

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
        self._folder = folder / identity if folder else None
        self._row: dict[bytes, int] = {}
        self._vectors = np.zeros((0, encoder.dimension), np.float32)
        if self._folder is not None:
            self._load(self._folder)

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._encoder.dimension

    @property
    def text_form(self) -> TextForm | None:
        """How products become text before this encoder, if that was chosen."""
        return self._encoder.text_form

    def encode(
        self, texts: Sequence[str], *, kind: Kind, progress: Progress | None = None
    ) -> NDArray[np.float32]:
        """Float32 [len(texts), dimension], rows of length 1; a row of zeros for an empty text."""
        keys = [_key(kind, text) for text in texts]
        new = {k: t for k, t in zip(keys, texts, strict=True) if t and k not in self._row}
        if new:
            self._add(list(new.items()), kind)
        out = np.zeros((len(texts), self.dimension), np.float32)
        filled = [i for i, text in enumerate(texts) if text]
        out[filled] = self._vectors[[self._row[keys[i]] for i in filled]]
        if progress is not None:
            progress(len(texts))
        return out

    def _add(self, new: list[tuple[bytes, str]], kind: Kind) -> None:
        with self._reporter.progress(f"encode with {self._label}", len(new)) as advance:
            for start in range(0, len(new), BLOCK_TEXTS):
                block = new[start : start + BLOCK_TEXTS]
                texts = [text for _, text in block]
                vectors = self._encoder.encode(texts, kind=kind, progress=advance)
                self._append([key for key, _ in block], vectors)
                if self._folder is not None:
                    self._save(self._folder, [key for key, _ in block], vectors)

    def _append(self, keys: Sequence[bytes], vectors: NDArray[np.float32]) -> None:
        self._row.update({key: len(self._row) + i for i, key in enumerate(keys)})
        self._vectors = np.concatenate([self._vectors, vectors])

    def _load(self, folder: Path) -> None:
        found = []
        for file in sorted(folder.glob("*.npz")):
            with np.load(file, allow_pickle=False) as stored:
                found.append((stored["keys"], stored["vectors"]))
        if not found:
            return
        keys = np.concatenate([keys for keys, _ in found])
        vectors = np.concatenate([vectors for _, vectors in found])
        # Two commands side by side may have encoded the same text.
        _, first = np.unique(keys, axis=0, return_index=True)
        self._append([keys[row].tobytes() for row in first], vectors[first])

    @staticmethod
    def _save(folder: Path, keys: Sequence[bytes], vectors: NDArray[np.float32]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        joined = b"".join(keys)
        file = folder / f"{hashlib.sha256(joined).hexdigest()[:16]}.npz"
        with replacing(file) as part:
            stored = np.frombuffer(joined, np.uint8).reshape(len(keys), KEY_BYTES)
            np.savez(part, keys=stored, vectors=vectors)


@dataclass(frozen=True, slots=True)
class RoundedEncoder:
    """A PyTorch encoder whose products are made of bf16: cosines move by about .002 at most.

    Attributes:
        exact: the encoder as it is; its weights stay fp32.
    """

    exact: TorchEncoder

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self.exact.dimension

    @property
    def text_form(self) -> TextForm | None:
        """How products become text before this encoder, if that was chosen."""
        return self.exact.text_form

    def encode(
        self, texts: Sequence[str], *, kind: Kind, progress: Progress | None = None
    ) -> NDArray[np.float32]:
        """Float32 [len(texts), dimension], rows of length 1."""
        device = next(self.exact.module.parameters()).device
        with torch.autocast(device.type, dtype=torch.bfloat16):
            return self.exact.encode(texts, kind=kind, progress=progress)


def cached_torch(
    encoder: TorchEncoder, folder: Path | None, reporter: Reporter, label: str | None = None
) -> CachedEncoder:
    """A PyTorch encoder whose vectors are kept by its weights and tokenizer, whatever the form.

    Args:
        encoder: what computes.
        folder: where vectors are kept; None keeps them in memory alone.
        reporter: draws the bar.
        label: for the bar; by default the encoder's name.
    """
    identity = encoder_id(encoder.module, encoder.text_input, FULL)
    return CachedEncoder(encoder, f"torch-{identity}", folder, label or encoder.base.name, reporter)


def quick_torch(
    encoder: TorchEncoder, folder: Path | None, reporter: Reporter, label: str | None = None
) -> CachedEncoder:
    """Like ``cached_torch``, in bf16 where that is built in: for what is fitted on the vectors.

    The int8 that is served rounds more. What variants are compared with stays exact.
    """
    device = next(encoder.module.parameters()).device
    if not takes_bf16("auto", device):
        return cached_torch(encoder, folder, reporter, label)
    identity = encoder_id(encoder.module, encoder.text_input, FULL)
    rounded = RoundedEncoder(encoder)
    name = label or encoder.base.name
    return CachedEncoder(rounded, f"torch-bf16-{identity}", folder, name, reporter)


def _key(kind: Kind, text: str) -> bytes:
    return hashlib.sha256(f"{kind}\x00{text}".encode()).digest()[:KEY_BYTES]
