"""A shop's own words: what its catalogue, shoppers and agents wrote, to learn from unlabelled."""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow.parquet as pq

from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.text import TITLE, TextForm, clean
from relatum_export.errors import InputError
from relatum_export.training.batching import Kind
from relatum_export.training.products import Catalogue

# Of each table its columns of text, and whether they are asked or found. Items come as products.
TABLES: Sequence[tuple[str, str, Kind]] = (
    ("queries", "query", "query"),
    ("candidates", "candidate", "document"),
    ("faq", "question", "query"),
    ("faq", "answer", "document"),
    ("reviews", "review_text", "document"),
    ("events", "review_text", "document"),
)
MIN_CHARS = 3
HELD_OUT_SHARE = 0.05
MAX_HELD_OUT = 500


@dataclass(frozen=True, slots=True)
class OwnText:
    """One text.

    Attributes:
        text: without the model's prefix.
        kind: which prefix it takes.
    """

    text: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class OwnTexts:
    """Distinct texts by a fixed draw, a small part held out to measure on."""

    train: tuple[OwnText, ...]
    held_out: tuple[OwnText, ...]


def own_texts(
    corpora: Sequence[Corpus],
    catalogues: Sequence[Catalogue | None],
    form: TextForm,
    *,
    max_texts: int,
    seed: int,
) -> OwnTexts:
    """The texts of all corpora: products in ``form`` and by title, and the train split's words.

    Each source (a table of a corpus) has an equal share of ``max_texts``, and what a small one
    leaves goes to the larger ones.

    Args:
        corpora: the shops.
        catalogues: the products of each; None where it has none.
        form: how products become text.
        max_texts: at most so many, held-out ones included.
        seed: of the draw.

    Raises:
        InputError: there are too few texts to learn from.
    """
    sources: list[list[OwnText]] = []
    seen: set[OwnText] = set()
    for corpus, catalogue in zip(corpora, catalogues, strict=True):
        for texts in _sources(corpus, catalogue, form):
            fresh = [text for text in dict.fromkeys(texts) if text not in seen]
            seen.update(fresh)
            if fresh:
                sources.append(fresh)
    draw = random.Random(seed)  # noqa: S311 - a sample, not a secret
    chosen: list[OwnText] = []
    for done, source in enumerate(sorted(sources, key=len)):
        share = (max_texts - len(chosen)) // (len(sources) - done)
        chosen += source if len(source) <= share else draw.sample(source, share)
    draw.shuffle(chosen)
    held = min(MAX_HELD_OUT, int(HELD_OUT_SHARE * len(chosen)))
    if held < 1:
        names = ", ".join(str(corpus.path) for corpus in corpora)
        raise InputError(
            f"{names} has only {len(chosen)} texts to learn from; it needs at least "
            f"{int(1 / HELD_OUT_SHARE)}: products, reviews, questions or queries of the train split"
        )
    return OwnTexts(tuple(chosen[held:]), tuple(chosen[:held]))


def _sources(
    corpus: Corpus, catalogue: Catalogue | None, form: TextForm
) -> Iterator[Iterator[OwnText]]:
    if catalogue is not None:
        yield _of("document", (*catalogue.texts(form), *catalogue.texts(TITLE)))
    for table, column, kind in TABLES:
        if not corpus.has(table):
            continue
        names = pq.read_schema(corpus.path / f"{table}.parquet").names
        if column in names:
            part = corpus.table(table, [column, "split"] if "split" in names else [column])
            rows = part.to_pydict()
            splits = rows.get("split") or ["train"] * part.num_rows
            train = (
                text for text, split in zip(rows[column], splits, strict=True) if split == "train"
            )
            yield _of(kind, train)


def _of(kind: Kind, texts: Iterable[str | None]) -> Iterator[OwnText]:
    for text in texts:
        cleaned = clean(text or "")
        if len(cleaned) >= MIN_CHARS:
            yield OwnText(cleaned, kind)
