"""Sources by hand, for what is drawn and masked."""

import random
from pathlib import Path

from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.text import FULL, ProductText
from relatum_export.training.encoder_recipe.pair_sets import PairSet
from relatum_export.training.encoder_recipe.sources import Source
from relatum_export.training.pairs import Pair
from relatum_export.training.products import Catalogue


def source_of(products=(), groups=(), *, name="shop", form=FULL):
    corpus = Corpus(Path("nowhere"), name, {"en": 1.0}, {}, {}, {})
    ids = tuple(f"p{row}" for row in range(len(products)))
    return Source(corpus, Catalogue(ids, tuple(products), tuple(groups)), form)


def set_of(size, kind="query_product", *, name="shop", graded=False):
    pairs = tuple(Pair(f"{kind} {i}", f"{kind} b{i}", 1.0, kind) for i in range(size))
    return PairSet(source_of(name=name), kind, graded, pairs)


def product(title, description=""):
    return ProductText(title=title, description=description, brand="maker")


def seeded(seed=0):
    return random.Random(seed)  # noqa: S311 - a sample, not a secret
