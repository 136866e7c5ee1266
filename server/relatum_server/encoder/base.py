"""What every encoder offers to the services."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Kind = Literal["QUERY", "DOCUMENT"]
Lane = Literal["query", "bulk"]


@dataclass(frozen=True, slots=True)
class EncodedTexts:
    """The vectors of several texts, in the order of the texts.

    Attributes:
        vectors: float32 [texts, dimension], rows of length 1.
        token_counts: Tokens that were encoded, prefix and special tokens included.
        truncated: Whether the text was longer than the encoder's limit and its end was cut off.
    """

    vectors: NDArray[np.float32]
    token_counts: list[int]
    truncated: list[bool]


class Encoder(Protocol):
    """Turns texts into vectors. Safe to call from many threads."""

    @property
    def encoder_id(self) -> str:
        """Hash over everything that the vectors depend on; vectors of two ids never meet."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    @property
    def provider(self) -> str:
        """The execution provider that really runs, such as CPUExecutionProvider."""

    def encode(
        self,
        texts: Sequence[str],
        kind: Kind,
        *,
        deadline: float | None = None,
        lane: Lane = "query",
    ) -> EncodedTexts:
        """Encode texts; blocks until all of them are done.

        Args:
            texts: Without the model's prefix. May be empty.
            kind: Which prefix is put before each text.
            deadline: Seconds on `time.monotonic`'s clock; None waits for ever.
            lane: `query` for a person who waits, `bulk` for imports.

        Raises:
            DeadlineExceededError: The deadline passed first.
            ResourceExhaustedError: The queue of the lane is full.
            UnavailableError: Inference failed, or the encoder is closed.
        """

    def close(self) -> None:
        """Finish what was accepted and stop. A second call does nothing."""
