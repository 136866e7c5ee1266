"""From the train pairs of all corpora to the tables that a run learns from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from relatum_export.errors import InputError
from relatum_export.training.encoder_recipe.back_translation import Reword, Rewording
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
    reword: Reword | None = None,
) -> Drawn:
    """Draw the pairs of all passes and render them.

    Args:
        sources: with their forms.
        pairs: all train pairs of each source.
        settings: shares, passes, seed.
        noise: what the texts suffer.
        reword: other wordings of queries, asked for all of a run at once; or None.

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
    drawn = {
        one.name: draw(one, quota, settings.epochs, settings.batch_size, settings.seed)
        for one, quota in zip(sets, quotas(sets, settings), strict=True)
    }
    sets = [one for one in sets if len(drawn[one.name]) > 1]
    if not sets:
        raise InputError(
            "no kind of pairs of any corpus gives two pairs a pass; raise max_pairs, or the "
            "kind_weights and corpus_weights that are 0"
        )
    typed = _typed(drawn, settings, reword)
    tables = [
        make_table(
            one,
            drawn[one.name],
            sides[one.source.name],
            texts,
            noise=noise,
            seed=settings.seed,
            typed=typed.get(one.name),
        )
        for one in sets
    ]
    return Drawn(tuple(tables), tuple(known[one.source.name] for one in sets), texts)


def _typed(
    drawn: Mapping[str, Sequence[Pair]], settings: TrainSettings, reword: Reword | None
) -> dict[str, list[int | str]]:
    """First sides of each set by its name, some in other words; nothing without ``reword``."""
    if reword is None:
        return {}
    rewording = Rewording(settings.back_translation_probability, settings.seed)
    chosen = [text for name, pairs in drawn.items() for text in rewording.chosen(name, pairs)]
    wordings = reword([text for text in dict.fromkeys(chosen) if text is not None])
    return {name: rewording.typed(name, pairs, wordings) for name, pairs in drawn.items()}
