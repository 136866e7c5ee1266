"""Typos: how much of the re-ranking's NDCG a shopper's slips of the finger cost.

One edit in each second word of the query, twenty seeded draws averaged, valid and test together.
The artifact's encoder is asked as by the server, which corrects the spelling of both first; the
zero-shot encoder is asked what was typed. Only the queries are encoded anew. A query of one word
has no second one and stays as it is.
"""

import zlib
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from relatum_export.corpus.text import TextForm
from relatum_export.evaluation.metrics import ndcg_of_scores
from relatum_export.evaluation.protocols.base import Protocol, Task, choose_form
from relatum_export.evaluation.protocols.search import SEARCH, Served, asked, by_words, reranked
from relatum_export.evaluation.rows import OWN, ZERO_SHOT, Outcome
from relatum_export.evaluation.systems import EncoderSystem
from relatum_export.evaluation.words import read_together, weight_of
from relatum_export.training.judged import JudgedQuery, JudgedSplit

DRAWS = 20
LETTERS = "abcdefghijklmnopqrstuvwxyz"
SYSTEMS = (ZERO_SHOT, OWN)
MEASURE = "loss/typos"


def misspelt(query: str, draw: int) -> str:
    """The query with one edit in its second, fourth, ... word; the same for the same draw.

    An edit leaves a letter out, puts one in, takes another, or swaps two neighbours. A word never
    vanishes, and never stays as it was.

    Args:
        query: as typed; words are what white space separates.
        draw: which of the seeded draws.
    """
    words = query.split()
    rng = np.random.default_rng([draw, zlib.crc32(query.encode())])
    for i in range(1, len(words), 2):
        words[i] = _edited(words[i], rng)
    return " ".join(words)


def _edited(word: str, rng: np.random.Generator) -> str:
    at = int(rng.integers(len(word)))
    letter = LETTERS[int(rng.integers(len(LETTERS)))]
    swapped = word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :] if at else word
    edits = {
        "insert": word[:at] + letter + word[at:],
        "replace": word[:at] + letter + word[at + 1 :],
        "delete": word[:at] + word[at + 1 :],
        "swap": swapped,
    }
    possible = [edited for edited in edits.values() if edited and edited != word]
    return possible[int(rng.integers(len(possible)))]


def _measure(task: Task) -> list[Outcome]:
    valid = JudgedSplit.read(task.corpus, task.products(), "valid")
    splits = [JudgedSplit.read(task.corpus, task.products(), split) for split in task.splits]
    queries = [query for split in splits for query in split.queries]
    if not any(len(query.text.split()) > 1 for query in queries):
        return []  # words without blanks between them have no second one
    outcomes = []
    served = Served.of(task.products(), task.text)
    for system in task.text:
        if not isinstance(system, EncoderSystem) or system.name not in SYSTEMS:
            continue
        as_served = served if system.name == OWN else None

        def on_valid(form: TextForm, system: EncoderSystem = system) -> float | None:
            return reranked(task, system, form, valid).value if valid.queries else None

        # Search has noted the same choice.
        form = choose_form(replace(task, notes=[]), system, on_valid)
        clean, typed = _figures(task, system, form, queries, as_served)
        outcomes.append(
            Outcome(
                task.splits[-1],  # test where both are measured
                system.name,
                MEASURE,
                tuple(query.query_id for query in queries),
                clean - typed,
                clean,
            )
        )
    single = sum(len(query.text.split()) < 2 for query in queries)  # noqa: PLR2004
    task.notes.append(
        f"typos: {' and '.join(task.splits)} together, {len(queries)} queries, "
        f"{single} of them of one word; {OWN} is asked as in search"
    )
    return outcomes


def _figures(
    task: Task,
    system: EncoderSystem,
    form: TextForm,
    queries: list[JudgedQuery],
    served: Served | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """NDCG@10 of each query as typed well, and its mean over the draws, float64 [queries] each."""
    shown, weight = task.products().texts(form), weight_of(system, "rerank")
    rows = np.unique(np.concatenate([query.rows for query in queries]))
    documents = system.encoder.encode([shown[row] for row in rows], kind="document")
    own = [documents[np.searchsorted(rows, query.rows)] for query in queries]

    def ndcg(texts: list[str]) -> NDArray[np.float64]:
        vectors = system.encoder.encode(texts, kind="query")
        pairs = zip(queries, texts, vectors, own, strict=True)
        values = []
        for query, text, vector, products in pairs:
            scores = products @ vector + by_words(served, weight, text, query.rows)
            given = [shown[row] for row in query.rows]
            scores = read_together(system, "rerank", text, given, scores)
            values.append(ndcg_of_scores(scores, query.labels))
        return np.array(values)

    clean = ndcg(asked(queries, served))
    # All draws at once: the encoder then works in full batches.
    typed = [
        text
        for draw in range(DRAWS)
        for text in asked([replace(q, text=misspelt(q.text, draw)) for q in queries], served)
    ]
    system.encoder.encode(typed, kind="query")
    each = [
        ndcg(typed[start : start + len(queries)]) for start in range(0, len(typed), len(queries))
    ]
    return clean, np.mean(each, axis=0)


TYPOS = Protocol("typos", SEARCH.judges, True, SEARCH.applies, _measure)
