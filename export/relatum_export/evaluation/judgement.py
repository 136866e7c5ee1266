"""All that was measured of a set, as rows: figures, slices, and how wide recommendations are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.text import TITLE
from relatum_export.evaluation.diversity import Vectors, beyond_accuracy
from relatum_export.evaluation.product_facts import ProductFacts
from relatum_export.evaluation.rows import VERSUS, ZERO_SHOT, Outcome, Row, rows_of
from relatum_export.evaluation.slices import sliced
from relatum_export.evaluation.systems import EncoderSystem, TextSystem
from relatum_export.training.products import Catalogue


@dataclass(frozen=True, slots=True)
class Judgement:
    """One set's figures.

    Attributes:
        set_name: of the rows.
        outcomes: unit by unit, those of novelty and intra-list diversity too; no slices.
        figures: rows of the protocols' own measures and their differences.
        slices: rows of parts of the units.
        width: rows of coverage, Gini, novelty and intra-list diversity.
    """

    set_name: str
    outcomes: tuple[Outcome, ...]
    figures: tuple[Row, ...]
    slices: tuple[Row, ...]
    width: tuple[Row, ...]

    @property
    def rows(self) -> list[Row]:
        """All rows, in the order of the file."""
        return [*self.figures, *self.slices, *self.width]


def judge(
    corpus: Corpus,
    outcomes: Sequence[Outcome],
    vectors: Vectors | None,
    say: Callable[[str], None],
) -> Judgement:
    """Intervals, slices and width of what the protocols measured.

    Args:
        corpus: the set.
        outcomes: of its protocols.
        vectors: of products by id, for the diversity of lists; None leaves that out.
        say: is told what takes its time.
    """
    say(f"{corpus.name}: intervals and slices")
    bought = ProductFacts.read(corpus).bought
    whole, each = beyond_accuracy(corpus.name, outcomes, bought, vectors)
    measured = rows_of(corpus.name, [*outcomes, *each])
    added = {outcome.measure for outcome in each}
    figures = [row for row in measured if row.measure.partition(VERSUS)[0] not in added]
    width = [*whole, *(row for row in measured if row.measure.partition(VERSUS)[0] in added)]
    slices = rows_of(corpus.name, sliced(outcomes))
    return Judgement(corpus.name, (*outcomes, *each), tuple(figures), tuple(slices), tuple(width))


def title_vectors(systems: Sequence[TextSystem], catalogue: Catalogue | None) -> Vectors | None:
    """The untrained encoder over titles: the same measure of likeness for every system.

    None where no text was encoded or there are no products.
    """
    zero = [one for one in systems if one.name == ZERO_SHOT and isinstance(one, EncoderSystem)]
    if not zero or catalogue is None:
        return None
    title = dict(zip(catalogue.ids, catalogue.texts(TITLE), strict=True))
    encoder = zero[0].encoder
    return lambda ids: encoder.encode([title.get(i, "") for i in ids], kind="document")
