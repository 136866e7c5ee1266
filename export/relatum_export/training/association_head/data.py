"""All that a head is fitted on: products, their vectors, and the labelled pairs of each corpus."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relatum_export.corpus.folder import Corpus
from relatum_export.errors import InputError
from relatum_export.training.association_head.behaviour import weak_pairs
from relatum_export.training.association_head.classes import Label, trained_classes
from relatum_export.training.association_head.labelled import LabelledPairs
from relatum_export.training.association_head.lexical import FEATURES, PairText, WordWeights
from relatum_export.training.association_head.member import PairTable
from relatum_export.training.association_head.people import people_pairs
from relatum_export.training.association_head.product_types import ProductTypes
from relatum_export.training.association_head.products import LexicalFeatures, read_facts
from relatum_export.training.association_head.settings import PairSettings
from relatum_export.training.products import Catalogue

FROM_BEHAVIOUR = (Label.UNRELATED, Label.SUBSTITUTE, Label.COMPLEMENT)


@dataclass(frozen=True, slots=True)
class PairData:
    """Products of all corpora, one after the other, and their pairs.

    Attributes:
        corpora: as given.
        catalogues: one a corpus.
        offsets: row of each corpus's first product.
        lexical: computes the features of pairs.
        pairs: by corpus, then split; rows count over all corpora.
    """

    corpora: tuple[Corpus, ...]
    catalogues: tuple[Catalogue, ...]
    offsets: tuple[int, ...]
    lexical: LexicalFeatures
    pairs: tuple[dict[str, LabelledPairs], ...]

    def of_split(self, split: str) -> LabelledPairs:
        """The pairs of all corpora."""
        return LabelledPairs.join([pairs[split] for pairs in self.pairs if split in pairs])

    def table(
        self, pairs: LabelledPairs, vectors: NDArray[np.float32], *, lexical: bool
    ) -> PairTable:
        """Pairs with the features of both directions, none of them if not ``lexical``."""
        if lexical:
            features = self.lexical.of(pairs.a, pairs.b)
            turned = self.lexical.of(pairs.b, pairs.a)
        else:
            features = turned = np.zeros((len(pairs), 0), np.float32)
        return PairTable(pairs, vectors, features, turned)


def read_pair_data(
    corpora: Sequence[Corpus],
    catalogues: Sequence[Catalogue],
    vectors: NDArray[np.float32],
    settings: PairSettings,
) -> PairData:
    """Read people's labels, and weak ones for the classes that no corpus has judged.

    Args:
        corpora: at least one.
        catalogues: one a corpus.
        vectors: of all products in order, float32 [products, d].
        settings: see ``PairSettings``.

    Raises:
        InputError: there is no pair to learn from, or none in valid.
    """
    texts: list[PairText] = []
    offsets: list[int] = []
    found: list[dict[str, LabelledPairs]] = []
    for corpus, catalogue in zip(corpora, catalogues, strict=True):
        offset = len(texts)
        facts = read_facts(corpus)
        texts += [PairText.of(facts[item]) for item in catalogue.ids]
        offsets.append(offset)
        row_of = {item: row for row, item in enumerate(catalogue.ids)}
        judged = {
            split: people_pairs(
                corpus,
                row_of,
                split,
                settings.relations,
                soft_votes=settings.soft_votes and split == "train",  # judged by majorities
            )
            for split in ("train", "valid", "test")
        }
        wanted = _wanted(judged["train"], settings)
        if wanted:
            categories = [facts[item].category for item in catalogue.ids]
            types = ProductTypes.of(
                categories, vectors[offset : offset + len(catalogue.ids)], settings.seed
            )
            weak = weak_pairs(
                corpus,
                row_of,
                types,
                LabelledPairs.join(list(judged.values())),
                wanted,
                max_pairs=settings.max_weak_pairs,
                unrelated_per_pair=settings.unrelated_per_pair,
                seed=settings.seed,
            )
            judged = {s: LabelledPairs.join([judged[s], weak[s]]) for s in judged}
        found.append({split: pairs.shifted(offset) for split, pairs in judged.items()})
    lexical = LexicalFeatures(texts, WordWeights.of(texts))
    data = PairData(tuple(corpora), tuple(catalogues), tuple(offsets), lexical, tuple(found))
    _check(data, settings)
    return data


def _wanted(judged: LabelledPairs, settings: PairSettings) -> frozenset[Label]:
    """The classes to take from behaviour: those without a judged pair in train."""
    if not settings.weak_labels:
        return frozenset()
    trained = trained_classes(judged.targets)
    return frozenset(label for label in FROM_BEHAVIOUR if not trained[label])


def _check(data: PairData, settings: PairSettings) -> None:
    names = ", ".join(str(corpus.path) for corpus in data.corpora)
    for split in ("train", "valid"):
        if len(data.of_split(split)):
            continue
        if split == "train":
            also = "" if settings.weak_labels else "; weak_labels = true would look at behaviour"
            raise InputError(
                f"{names} has no train pairs to learn from: neither judged pairs nor behaviour "
                f"that brings products together{also}"
            )
        raise InputError(
            f"{names} has no valid pairs to calibrate on; give the pairs a split, or add a corpus "
            "that has them"
        )


def feature_names(settings: PairSettings) -> list[str]:
    """The lexical features in use, in order."""
    return list(FEATURES) if settings.lexical else []
