"""A shop's own texts: what its encoder's variants are compared, calibrated and timed on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.text import TITLE, TextForm
from relatum_export.errors import InputError
from relatum_export.training.products import Catalogue

# Where a shop without products has its texts: table and column.
PASSAGES = (("faq", "answer"), ("candidates", "candidate"), ("reviews", "review_text"))
QUESTIONS = (("queries", "query"), ("faq", "question"))


@dataclass(frozen=True, slots=True)
class ShopTexts:
    """Texts, none of them empty.

    Attributes:
        documents: products in the artifact's form; of a shop without products the replies,
            passages or reviews that it has.
        titles: of the products alone; the documents where there are none.
        queries: of the train split; the titles where nobody asked.
    """

    documents: Sequence[str]
    titles: Sequence[str]
    queries: Sequence[str]

    @classmethod
    def read(cls, corpus: Corpus, catalogue: Catalogue, form: TextForm) -> Self:
        """Read the corpus; without titles, the products in ``form`` stand for them.

        Raises:
            InputError: the corpus has no text at all.
        """
        documents = [text for text in catalogue.texts(form) if text]
        documents = documents or list(_texts(corpus, PASSAGES, ("train", "valid")))
        if not documents:
            raise InputError(f"corpus {corpus.path} has no text to try an encoder on")
        titles = [title for title in catalogue.texts(TITLE) if title] or documents
        return cls(documents, titles, list(_texts(corpus, QUESTIONS, ("train",))) or titles)


def _texts(
    corpus: Corpus, columns: Sequence[tuple[str, str]], splits: Sequence[str]
) -> Iterator[str]:
    """Of the first table that has some in these splits."""
    for table, column in columns:
        if not corpus.has(table):
            continue
        rows = corpus.table(table).to_pydict()
        given = rows.get("split") or ["train"] * len(rows[column])
        found = [
            str(text)
            for text, split in zip(rows[column], given, strict=True)
            if text and split in splits
        ]
        if found:
            yield from found
            return
