"""Which form of text suits a corpus: measured on its valid split, not assumed."""

from collections.abc import Mapping
from dataclasses import dataclass

from relatum_export.corpus.text import FORMS, FULL, TextForm
from relatum_export.training.encoder import TextEncoder
from relatum_export.training.judged import JudgedSplit
from relatum_export.training.products import Catalogue


@dataclass(frozen=True, slots=True)
class FormChoice:
    """The chosen form and the valid NDCG@10 of each form tried; empty where nothing is judged."""

    form: TextForm
    scores: Mapping[str, float]


def choose_form(encoder: TextEncoder, catalogue: Catalogue, valid: JudgedSplit) -> FormChoice:
    """The form with the best valid NDCG@10; the richest where the corpus has no judgments.

    Forms that give the same texts are measured once, and the simpler one wins a tie.
    """
    if not valid.queries:
        return FormChoice(FULL, {})
    seen: dict[tuple[str, ...], float] = {}
    scores: dict[str, float] = {}
    for name, form in FORMS.items():
        texts = tuple(catalogue.texts(form))
        if texts not in seen:
            seen[texts] = float(valid.ndcg(encoder, catalogue, form).mean())
        scores[name] = seen[texts]
    best = max(FORMS, key=lambda name: scores[name])
    return FormChoice(FORMS[best], scores)
