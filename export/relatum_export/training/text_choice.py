"""Which form of text suits a corpus: measured on its valid split, not assumed."""

from collections.abc import Mapping
from dataclasses import dataclass

from relatum_export.corpus.text import FORMS, FULL, TextForm
from relatum_export.training.encoder import TextEncoder
from relatum_export.training.held_out import PairMetric
from relatum_export.training.judged import JudgedSplit
from relatum_export.training.products import Catalogue


@dataclass(frozen=True, slots=True)
class FormChoice:
    """The chosen form and the valid figure of each form tried; empty where nothing is measured."""

    form: TextForm
    scores: Mapping[str, float]


def choose_form(
    encoder: TextEncoder,
    catalogue: Catalogue,
    valid: JudgedSplit,
    held_out: PairMetric | None = None,
) -> FormChoice:
    """The form with the best valid figure; the richest where there is nothing to measure by.

    The figure is NDCG@10 of the judged queries, else R@10 of the held-out pairs. Forms that give
    the same texts are measured once, and the simpler one wins a tie.
    """
    if not valid.queries and held_out is None:
        return FormChoice(FULL, {})
    seen: dict[tuple[str, ...], float] = {}
    scores: dict[str, float] = {}
    for name, form in FORMS.items():
        texts = tuple(catalogue.texts(form))
        if texts not in seen:
            if valid.queries:
                seen[texts] = float(valid.ndcg(encoder, catalogue, form).mean())
            elif held_out is not None:
                seen[texts] = held_out.under(form).measure(encoder)
        scores[name] = seen[texts]
    best = max(FORMS, key=lambda name: scores[name])
    return FormChoice(FORMS[best], scores)
