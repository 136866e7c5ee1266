"""What the artifact adds to the encoder's cosines, and the same system without it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from relatum_export.artifact.onnx_reranker import Reading
from relatum_export.artifact.words import Similarity, Use
from relatum_export.evaluation.rows import OWN, TEXT_ALONE
from relatum_export.evaluation.systems import EncoderSystem, TextSystem


def with_words(
    system: TextSystem,
    use: Similarity,
    cosines: NDArray[np.float32],
    queries: Sequence[str],
    documents: Sequence[str],
) -> NDArray[np.float32]:
    """The scores of a system [queries, documents]; of one without words what it was given.

    Args:
        system: whose cosines (or BM25) these are.
        use: what the scores are for.
        cosines: float32 [queries, documents].
        queries: texts; of products their titles.
        documents: passages, or titles of products.
    """
    if not isinstance(system, EncoderSystem) or system.words is None:
        return cosines
    added = system.words.scores(use, queries, documents)
    return cosines if added is None else cosines + added


def ablated(systems: Sequence[TextSystem], *uses: Use) -> Iterator[TextSystem]:
    """The systems; before relatum the same by the encoder's vectors alone, where more counts."""
    for system in systems:
        if isinstance(system, EncoderSystem) and system.name == OWN:
            moved = system.answers is not None and "answers" in uses
            read = any(reading_weight(system, use) for use in uses)
            if moved or read or any(weight_of(system, use) for use in uses):
                yield replace(system, name=TEXT_ALONE, words=None, answers=None, reranking=None)
        yield system


def reading_weight(system: TextSystem, use: Use) -> float:
    """What the reranker of a system counts for a use, beside its cosines."""
    if not isinstance(system, EncoderSystem) or system.reranking is None:
        return 0.0
    return next((w for reading, w in system.reranking.weights.items() if reading == use), 0.0)


def read_together(
    system: TextSystem,
    reading: Reading,
    query: str,
    texts: Sequence[str],
    scores: NDArray[np.floating],
) -> NDArray[np.floating]:
    """The scores of a query's texts [texts] with what reading them together adds."""
    if not isinstance(system, EncoderSystem) or system.reranking is None:
        return scores
    return scores + system.reranking.added(reading, query, texts, scores)


def weight_of(system: TextSystem, use: Use) -> float:
    """What the words of a system count for a use, beside its cosines."""
    if not isinstance(system, EncoderSystem) or system.words is None:
        return 0.0
    return system.words.weights.get(use, 0.0)
