"""What a form's rankings are measured on: the valid part of each corpus, cheaply.

Four kinds of set can be ranked by text alone: products that people judged for a query, passages
given for a question, the mates of a bundle, and replies to a question. All are measured by NDCG@10,
so that their losses can be pooled. A set is cut by a fixed draw to so many documents; bundles are
sought among their own products and others drawn from the catalogue.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.text import TextForm, clean
from relatum_export.evaluation.reply_pool import reply_pool
from relatum_export.training.batching import Kind
from relatum_export.training.judged import JudgedSplit
from relatum_export.training.products import Catalogue

SPLIT = "valid"
RELATED = 1  # a label: a mate, a reply


@dataclass(frozen=True, slots=True)
class Asked:
    """One ranking.

    Attributes:
        unit: what the bootstrap resamples: the query, question or bundle.
        text: what is asked.
        rows: positions of the candidates among the set's documents, int64 [n].
        labels: of each, one of them above 0, int64 [n].
    """

    unit: str
    text: str
    rows: NDArray[np.int64]
    labels: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class RankedSet:
    """One kind of ranking of one corpus.

    Attributes:
        name: of the corpus.
        kind: as what the asked texts are encoded: products are documents.
        documents: texts.
        asked: the rankings; those of one unit count as one, by their mean.
    """

    name: str
    kind: Kind
    documents: tuple[str, ...]
    asked: tuple[Asked, ...]


def ranked_sets(
    corpus: Corpus, catalogue: Catalogue | None, form: TextForm, *, documents: int, seed: int
) -> Iterator[RankedSet]:
    """What the valid part of a corpus can rank.

    Args:
        corpus: the tables.
        catalogue: its products; None where it has none.
        form: how products become text.
        documents: of a set at most so many, however many are judged.
        seed: of the draws.
    """
    found: list[RankedSet | None] = []
    if catalogue is not None:
        found.append(_judged(corpus, catalogue, form, documents, seed))
        found.append(_bundles(corpus, catalogue, form, documents, seed))
    found += [_questions(corpus, documents, seed), _replies(corpus, documents, seed)]
    yield from (one for one in found if one is not None and one.asked)


def _judged(
    corpus: Corpus, catalogue: Catalogue, form: TextForm, documents: int, seed: int
) -> RankedSet | None:
    whole = JudgedSplit.read(corpus, catalogue, SPLIT)
    split = whole.sample(len(whole.queries), documents, seed)
    if not split.queries:
        return None
    needed = np.unique(np.concatenate([query.rows for query in split.queries]))
    texts = catalogue.texts(form)
    asked = [
        Asked(query.query_id, query.text, np.searchsorted(needed, query.rows), query.labels)
        for query in split.queries
    ]
    return RankedSet(corpus.name, "query", tuple(texts[row] for row in needed), tuple(asked))


def _questions(corpus: Corpus, documents: int, seed: int) -> RankedSet | None:
    if not (corpus.has("candidates") and corpus.has("queries")):
        return None
    queries = corpus.table("queries", ["query_id", "query"])
    text_of = dict(zip(queries["query_id"].to_pylist(), queries["query"].to_pylist(), strict=True))
    given: dict[str, list[tuple[str, str, int]]] = {}
    for row in corpus.table("candidates").to_pylist():
        if row["split"] == SPLIT and row["query_id"] in text_of:
            passages = given.setdefault(row["query_id"], [])
            passages.append((row["candidate_id"], clean(row["candidate"]), int(row["label"])))
    usable = [q for q, passages in sorted(given.items()) if max(p[2] for p in passages) > 0]
    texts: list[str] = []
    asked: list[Asked] = []
    for query in random.Random(seed).sample(usable, len(usable)):  # noqa: S311 - a sample
        passages = sorted(given[query])
        if asked and len(texts) + len(passages) > documents:
            break
        rows = np.arange(len(texts), len(texts) + len(passages))
        labels = np.array([label for _, _, label in passages], np.int64)
        asked.append(Asked(query, clean(text_of[query]), rows, labels))
        texts += [text for _, text, _ in passages]
    return RankedSet(corpus.name, "query", tuple(texts), tuple(asked))


def _bundles(
    corpus: Corpus, catalogue: Catalogue, form: TextForm, documents: int, seed: int
) -> RankedSet | None:
    if not corpus.has("bundles"):
        return None
    texts = catalogue.texts(form)
    row_of = {item: row for row, item in enumerate(catalogue.ids) if texts[row]}
    members: dict[str, list[int]] = {}
    for bundle in corpus.table("bundles", ["bundle_id", "items", "split"]).to_pylist():
        known = sorted({row_of[item] for item in bundle["items"] if item in row_of})
        if bundle["split"] == SPLIT and len(known) > 1:
            members[str(bundle["bundle_id"])] = known
    draw = random.Random(seed)  # noqa: S311 - a sample, not a secret
    kept: list[str] = []
    pool: set[int] = set()
    for unit in draw.sample(sorted(members), len(members)):
        more = pool | set(members[unit])
        if kept and len(more) > documents // 2:
            break
        kept.append(unit)
        pool = more
    others = [row for row in row_of.values() if row not in pool]
    pool |= set(draw.sample(others, min(len(others), max(0, documents - len(pool)))))
    rows = sorted(pool)
    place = {row: at for at, row in enumerate(rows)}
    asked = [
        _mates(unit, texts[row], place[row], [place[mate] for mate in members[unit]], len(rows))
        for unit in sorted(kept)
        for row in members[unit]
    ]
    return RankedSet(corpus.name, "document", tuple(texts[row] for row in rows), tuple(asked))


def _mates(unit: str, text: str, own: int, members: Sequence[int], size: int) -> Asked:
    rows = np.delete(np.arange(size), own)
    return Asked(unit, text, rows, np.isin(rows, members).astype(np.int64) * RELATED)


def _replies(corpus: Corpus, documents: int, seed: int) -> RankedSet | None:
    if not corpus.has("faq"):
        return None
    faq = corpus.table("faq", ["question_id", "question", "answer", "split"]).to_pylist()
    train = [clean(row["answer"]) for row in faq if row["split"] == "train"]
    own = sorted(
        (row["question_id"], clean(row["question"]), clean(row["answer"]))
        for row in faq
        if row["split"] == SPLIT
    )
    chosen = random.Random(seed).sample(own, min(len(own), documents // 2))  # noqa: S311 - a sample
    pool = reply_pool([reply for _, _, reply in chosen], train)
    rows, place = np.arange(len(pool)), {reply: at for at, reply in enumerate(pool)}
    asked = [
        Asked(str(unit), question, rows, (rows == place[reply]).astype(np.int64) * RELATED)
        for unit, question, reply in sorted(chosen)
    ]
    return RankedSet(corpus.name, "query", tuple(pool), tuple(asked))
