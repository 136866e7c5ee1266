"""Questions with the replies they got, as a frozen encoder reads them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from relatum_export.corpus.folder import Corpus
from relatum_export.errors import InputError
from relatum_export.evaluation.reply_pool import reply_pool
from relatum_export.training.encoder import TextEncoder

LEAST = 200  # train questions; fewer teach nothing that holds on the next


@dataclass(frozen=True, slots=True)
class Asked:
    """Questions and what each is to choose among.

    Attributes:
        questions: vectors, float32 [questions, d].
        replies: vectors of distinct replies, float32 [replies, d].
        right: row of each question's own reply, int64 [questions].
        counts: how often train gave each reply, float32 [replies].
    """

    questions: NDArray[np.float32]
    replies: NDArray[np.float32]
    right: NDArray[np.int64]
    counts: NDArray[np.float32]

    @classmethod
    def of(
        cls,
        asked: Sequence[tuple[str, str]],
        pool: Sequence[str],
        train: Sequence[str],
        encoder: TextEncoder,
    ) -> Self:
        """Encode questions and the pool that holds their replies."""
        place = {reply: row for row, reply in enumerate(pool)}
        counted = np.zeros(len(pool), np.float32)
        np.add.at(counted, [place[reply] for reply in train if reply in place], 1.0)
        return cls(
            encoder.encode([question for question, _ in asked], kind="query"),
            encoder.encode(list(pool), kind="document"),
            np.array([place[reply] for _, reply in asked], np.int64),
            counted,
        )


@dataclass(frozen=True, slots=True)
class AnswerData:
    """What a head learns from and what stops it.

    Attributes:
        train: questions of train among all replies of train.
        valid: questions of valid among a pool as the protocol of service has it.
    """

    train: Asked
    valid: Asked

    @classmethod
    def read(cls, corpus: Corpus, encoder: TextEncoder) -> Self:
        """The `faq` of a corpus.

        Raises:
            InputError: it has none, too few train questions, or no valid ones.
        """
        if not corpus.has("faq"):
            raise InputError(
                f"corpus {corpus.path} has no questions with replies (faq.parquet), which "
                "`train answers` learns from"
            )
        rows = corpus.table("faq", ["question_id", "question", "answer", "split"]).to_pylist()
        rows.sort(key=lambda row: str(row["question_id"]))
        train, valid = (
            [
                (str(row["question"]), str(row["answer"]))
                for row in rows
                if row["split"] == split and row["question"] and row["answer"]
            ]
            for split in ("train", "valid")
        )
        if len(train) < LEAST:
            raise InputError(
                f"corpus {corpus.path} has {len(train)} train questions with a reply; "
                f"`train answers` needs {LEAST}"
            )
        if not valid:
            raise InputError(
                f"corpus {corpus.path} has no valid questions; nothing would stop the training"
            )
        given = [reply for _, reply in train]
        distinct = sorted(set(given))
        if len(distinct) < 2:  # noqa: PLR2004 - nothing to choose
            raise InputError(f"corpus {corpus.path}: every train question has the same reply")
        pool = reply_pool([reply for _, reply in valid], given)
        return cls(Asked.of(train, distinct, given, encoder), Asked.of(valid, pool, given, encoder))
