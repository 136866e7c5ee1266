"""Which form of text suits a corpus: measured on its valid split, not assumed.

What people judged comes first: the order of a query's products, then the relations of pairs. Where
nobody judged, products bought together in the valid part say it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.text import FORMS, FULL, TextForm
from relatum_export.training.association_head.probe import PairProbe
from relatum_export.training.encoder import TextEncoder
from relatum_export.training.held_out import PairMetric, held_out_metrics
from relatum_export.training.judged import JudgedSplit
from relatum_export.training.pairs import CO_BOUGHT
from relatum_export.training.products import Catalogue

NDCG, MACRO_F1, RECALL = "NDCG@10", "macro-F1", "R@10"
MAX_QUERIES, MAX_CANDIDATES = 300, 1_000  # of products bought together: a form costs seconds


@dataclass(frozen=True, slots=True)
class FormChoice:
    """The chosen form and the valid figure of each form tried; empty where nothing is measured."""

    form: TextForm
    scores: Mapping[str, float]
    measure: str = NDCG

    def __str__(self) -> str:
        """The form's name, and what it was chosen by."""
        listed = ", ".join(f"{name} {score:.4f}" for name, score in self.scores.items())
        return self.form.name + (f" ({self.measure} on valid: {listed})" if listed else "")


def shop_form(encoder: TextEncoder, corpus: Corpus, catalogue: Catalogue) -> FormChoice:
    """The form of a shop's artifact: the encoder's own, else the one that the shop's valid prefers.

    Every step that stands on a shop's text takes its form from here, so that their vectors are
    those of one space.
    """
    if encoder.text_form is not None:
        return FormChoice(encoder.text_form, {})
    valid = JudgedSplit.read(corpus, catalogue, "valid")
    labelled = None if valid.queries else PairProbe.read(corpus, catalogue)
    judged = valid.queries or labelled is not None
    held_out = None if judged else bought_together(corpus, catalogue)
    return choose_form(encoder, catalogue, valid, held_out, labelled)


def bought_together(corpus: Corpus, catalogue: Catalogue, seed: int = 0) -> PairMetric | None:
    """A draw of the products that valid has bought together; None where it has none.

    Categories of titles, which are held out as well, would praise the form that tells them.
    """
    metrics = held_out_metrics(
        corpus, catalogue, FULL, seed, max_queries=MAX_QUERIES, max_candidates=MAX_CANDIDATES
    )
    return next((metric for metric in metrics if metric.kind == CO_BOUGHT), None)


def choose_form(
    encoder: TextEncoder,
    catalogue: Catalogue,
    valid: JudgedSplit,
    held_out: PairMetric | None = None,
    labelled: PairProbe | None = None,
) -> FormChoice:
    """The form with the best valid figure; the richest where there is nothing to measure by.

    The figure is NDCG@10 of the judged queries, else macro-F1 of the labelled pairs, else R@10 of
    the held-out pairs. Forms that give the same texts are measured once, and the simpler one wins
    a tie.
    """
    measured = _measure(encoder, catalogue, valid, held_out, labelled)
    if measured is None:
        return FormChoice(FULL, {})
    measure, figure = measured
    seen: dict[tuple[str, ...], float] = {}
    scores: dict[str, float] = {}
    for name, form in FORMS.items():
        texts = tuple(catalogue.texts(form))
        if texts not in seen:
            seen[texts] = figure(form)
        scores[name] = seen[texts]
    best = max(FORMS, key=lambda name: scores[name])
    return FormChoice(FORMS[best], scores, measure)


def _measure(
    encoder: TextEncoder,
    catalogue: Catalogue,
    valid: JudgedSplit,
    held_out: PairMetric | None,
    labelled: PairProbe | None,
) -> tuple[str, Callable[[TextForm], float]] | None:
    """What to go by: its name, and its figure under a form."""
    if valid.queries:
        return NDCG, lambda form: float(valid.ndcg(encoder, catalogue, form).mean())
    if labelled is not None:
        return MACRO_F1, lambda form: labelled.measure(encoder, form)
    if held_out is not None:
        return RECALL, lambda form: held_out.under(form).measure(encoder)
    return None
