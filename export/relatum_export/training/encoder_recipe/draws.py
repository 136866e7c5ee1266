"""From the train pairs of all corpora to the tables that a run learns from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from relatum_export.errors import InputError
from relatum_export.training.encoder_recipe.drawing import draw, quotas
from relatum_export.training.encoder_recipe.noise import Noise
from relatum_export.training.encoder_recipe.pair_sets import PairSet, pair_sets, with_two_texts
from relatum_export.training.encoder_recipe.sources import Source
from relatum_export.training.encoder_recipe.tables import (
    KnownPairs,
    PairTable,
    RunTexts,
    Sides,
    make_table,
)
from relatum_export.training.pairs import Pair
from relatum_export.training.settings import TrainSettings


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a run learns from.

    Attributes:
        tables: of each set that gives at least two pairs.
        known: the known pairs of each table's corpus, one a table.
        texts: the clean texts of all tables.
    """

    tables: tuple[PairTable, ...]
    known: tuple[KnownPairs, ...]
    texts: RunTexts

    @property
    def sizes(self) -> Mapping[str, int]:
        """Pairs of each table, by name."""
        return {table.name: len(table) for table in self.tables}


def draw_tables(
    sources: Sequence[Source],
    pairs: Sequence[Sequence[Pair]],
    settings: TrainSettings,
    noise: Noise,
) -> Drawn:
    """Draw the pairs of all passes and render them.

    Args:
        sources: with their forms.
        pairs: all train pairs of each source.
        settings: shares, passes, seed.
        noise: what the texts suffer.

    Raises:
        InputError: no set gives two pairs.
    """
    texts = RunTexts()
    sets: list[PairSet] = []
    sides: dict[str, Sides] = {}
    known: dict[str, KnownPairs] = {}
    for source, found in zip(sources, pairs, strict=True):
        usable = with_two_texts(found, source)
        sets += pair_sets(source, usable)
        numbers = sides[source.name] = Sides(source)
        known[source.name] = KnownPairs(
            [(numbers.number(pair.a), numbers.number(pair.b)) for pair in usable if pair.label > 0]
        )
    tables: list[PairTable] = []
    owners: list[KnownPairs] = []
    for one, quota in zip(sets, quotas(sets, settings), strict=True):
        drawn = draw(one, quota, settings.epochs, settings.batch_size, settings.seed)
        if len(drawn) > 1:
            numbers = sides[one.source.name]
            tables.append(make_table(one, drawn, numbers, texts, noise=noise, seed=settings.seed))
            owners.append(known[one.source.name])
    if not tables:
        raise InputError(
            "no kind of pairs of any corpus gives two pairs a pass; raise max_pairs, or the "
            "kind_weights and corpus_weights that are 0"
        )
    return Drawn(tuple(tables), tuple(owners), texts)
