"""The texts of the corpora that compressing looks at."""

from collections.abc import Sequence
from dataclasses import dataclass

from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.text import TITLE, TextForm
from relatum_export.errors import InputError
from relatum_export.training.compression.settings import CompressSettings
from relatum_export.training.pretraining.texts import OwnTexts, own_texts
from relatum_export.training.products import Catalogue


@dataclass(frozen=True, slots=True)
class Shop:
    """What all parts look at.

    Attributes:
        sources: the corpora with their products.
        form: how products become text.
        texts: what students imitate on.
        products: the products' texts.
        titles: their titles, for speed.
        queries: of the train split, for calibration.
    """

    sources: Sequence[tuple[Corpus, Catalogue | None]]
    form: TextForm
    texts: OwnTexts
    products: Sequence[str]
    titles: Sequence[str]
    queries: Sequence[str]

    @classmethod
    def read(
        cls,
        sources: Sequence[tuple[Corpus, Catalogue | None]],
        form: TextForm,
        settings: CompressSettings,
    ) -> "Shop":
        """Read the corpora.

        Raises:
            InputError: there are too few texts, or no products to measure speed by.
        """
        corpora = [corpus for corpus, _ in sources]
        catalogues = [catalogue for _, catalogue in sources]
        known = [catalogue for catalogue in catalogues if catalogue is not None]
        if not known:
            names = ", ".join(str(corpus.path) for corpus in corpora)
            raise InputError(f"{names} has no products, so there are no titles to measure by")
        texts = own_texts(
            corpora, catalogues, form, max_texts=settings.max_texts, seed=settings.seed
        )
        titles = [title for c in known for title in c.texts(TITLE) if title]
        products = [text for c in known for text in c.texts(form) if text]
        queries = [text.text for text in texts.train if text.kind == "query"]
        return cls(sources, form, texts, products, titles or products, queries)
