"""Text to token ids, with the prefix of its kind and the encoder's limit of tokens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tokenizers
from numpy.typing import NDArray

from relatum_server.artifact import EncoderSpec
from relatum_server.encoder.base import Kind
from relatum_server.errors import ArtifactError


@dataclass(frozen=True, slots=True)
class TokenizedText:
    """One text as the model reads it.

    Attributes:
        ids: int64 [tokens], special tokens included, no padding.
        truncated: Whether the end of the text was cut off.
    """

    ids: NDArray[np.int64]
    truncated: bool


def open_tokenizer(path: Path) -> tokenizers.Tokenizer:
    """A tokenizer that pads nothing: batches are padded where the longest text is known.

    Raises:
        ArtifactError: The file is not a tokenizer that the `tokenizers` library reads.
    """
    try:
        tokenizer = tokenizers.Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare Exception
        raise ArtifactError(
            f"{path}: not a tokenizer file ({error}); export the artifact again"
        ) from error
    tokenizer.no_padding()
    return tokenizer


class TextTokenizer:
    """The artifact's tokenizer. Runs in Rust without the GIL, in the thread of the caller.

    Raises:
        ArtifactError: The file is not a tokenizer that the `tokenizers` library reads.
    """

    def __init__(self, spec: EncoderSpec) -> None:
        self._tokenizer = open_tokenizer(spec.tokenizer_path)
        self._tokenizer.enable_truncation(max_length=spec.max_tokens)
        self._prefixes: Mapping[Kind, str] = {
            "QUERY": spec.query_prefix,
            "DOCUMENT": spec.document_prefix,
        }

    def tokenize(self, texts: Sequence[str], kind: Kind) -> list[TokenizedText]:
        """Token ids of each text, in order."""
        prefix = self._prefixes[kind]
        # encode_batch_fast, also for one text: unlike encode it lets go of the GIL, and it keeps
        # no offsets.
        encodings = self._tokenizer.encode_batch_fast([prefix + text for text in texts])
        return [
            TokenizedText(np.array(encoding.ids, dtype=np.int64), bool(encoding.overflowing))
            for encoding in encodings
        ]
