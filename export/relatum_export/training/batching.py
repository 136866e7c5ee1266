"""Turning many texts into few padded batches: equal texts once, near lengths together."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

Kind = Literal["query", "document"]
Progress = Callable[[int], None]
Forward = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float32]]
MAX_BATCH_TOKENS = 4096  # padding included
MAX_BATCH_TEXTS = 64


@dataclass(frozen=True, slots=True)
class TextInput:
    """How text becomes the encoder's input: prefixes, tokenizer, length, padding.

    Attributes:
        tokenizer: with neither truncation nor padding of its own, or this class's.
        max_tokens: longer inputs are cut, special tokens included.
        pad_token_id: what fills a row.
    """

    tokenizer: Tokenizer
    query_prefix: str
    document_prefix: str
    max_tokens: int
    pad_token_id: int

    def token_ids(self, texts: Sequence[str], kind: Kind) -> list[list[int]]:
        """Token ids of each text, special tokens included, cut to ``max_tokens``."""
        prefix = self.query_prefix if kind == "query" else self.document_prefix
        self.tokenizer.enable_truncation(self.max_tokens)
        self.tokenizer.no_padding()
        encodings = self.tokenizer.encode_batch([prefix + text for text in texts])
        return [encoding.ids for encoding in encodings]

    def pad(self, rows: Sequence[Sequence[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Input ids and attention mask, both int64 [batch, longest row]."""
        return pad_rows(rows, self.pad_token_id)


def pad_rows(
    rows: Sequence[Sequence[int]], pad_token_id: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Input ids and attention mask of rows of token ids, both int64 [batch, longest row]."""
    width = max(len(row) for row in rows)
    ids = np.full((len(rows), width), pad_token_id, dtype=np.int64)
    mask = np.zeros((len(rows), width), dtype=np.int64)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = row
        mask[i, : len(row)] = 1
    return ids, mask


def encode_texts(
    text_input: TextInput,
    forward: Forward,
    texts: Sequence[str],
    kind: Kind,
    *,
    dimension: int,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """Encode each distinct text once, in batches of near length.

    Args:
        text_input: how text becomes tokens.
        forward: (input ids, attention mask), int64 [b, t], to float32 [b, d].
        texts: any order, repeats allowed.
        kind: which prefix to use.
        dimension: d, for the shape of an empty answer.
        progress: told how many of ``texts`` were done since the last call.

    Returns:
        float32 [len(texts), d], in the order of ``texts``.
    """
    if not texts:
        return np.zeros((0, dimension), dtype=np.float32)
    index: dict[str, int] = {}
    row_of = np.array([index.setdefault(text, len(index)) for text in texts])
    repeats = np.bincount(row_of)
    tokens = text_input.token_ids(list(index), kind)
    vectors = np.empty((len(tokens), dimension), dtype=np.float32)
    for batch in length_sorted_batches([len(row) for row in tokens]):
        vectors[batch] = forward(*text_input.pad([tokens[i] for i in batch]))
        if progress is not None:
            progress(int(repeats[batch].sum()))
    return np.ascontiguousarray(vectors[row_of])


def length_sorted_batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Cut positions, longest first, into batches of at most 64 texts and 4,096 padded tokens."""
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    start = 0
    while start < len(order):
        fit = max(1, MAX_BATCH_TOKENS // max(1, lengths[order[start]]))
        stop = start + min(fit, MAX_BATCH_TEXTS)
        yield order[start:stop]
        start = stop
