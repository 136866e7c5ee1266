"""The corpora of a run, each with its products and its own form of text."""

from collections.abc import Sequence
from dataclasses import dataclass

from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.text import FULL, TextForm
from relatum_export.errors import InputError
from relatum_export.training.products import Catalogue


@dataclass(frozen=True, slots=True)
class Source:
    """One corpus of a run.

    Attributes:
        corpus: its tables.
        catalogue: its products; empty where it has none (questions and answers alone).
        form: how its products become text.
    """

    corpus: Corpus
    catalogue: Catalogue
    form: TextForm = FULL

    @property
    def name(self) -> str:
        """The corpus's."""
        return self.corpus.name


def read_sources(corpora: Sequence[Corpus]) -> list[Source]:
    """Read the products of each corpus.

    Raises:
        InputError: two corpora have one name, by which figures and weights are told apart.
    """
    names = [corpus.name for corpus in corpora]
    for name in names:
        if names.count(name) > 1:
            raise InputError(
                f"two corpora are named {name}; leave one out, or prepare it with another --name"
            )
    return [Source(corpus, _catalogue(corpus)) for corpus in corpora]


def _catalogue(corpus: Corpus) -> Catalogue:
    if (corpus.path / "products.jsonl").is_file():
        return Catalogue.read(corpus)
    return Catalogue((), ())
