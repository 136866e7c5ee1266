"""How much words count beside vectors: chosen on the shop's own judgements, before test is seen."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from relatum_export.artifact.answer_space import AnswerSpace
from relatum_export.artifact.weight_choice import Choice, weighed
from relatum_export.artifact.words import USES, Use, Words
from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.text import TextForm
from relatum_export.evaluation.encoding import CachedEncoder
from relatum_export.evaluation.protocols.base import Protocol, Task
from relatum_export.evaluation.protocols.bundles import BUNDLES
from relatum_export.evaluation.protocols.questions import QUESTIONS
from relatum_export.evaluation.protocols.search import SEARCH
from relatum_export.evaluation.protocols.service import SERVICE
from relatum_export.evaluation.rows import OWN, Outcome
from relatum_export.evaluation.systems import EncoderSystem
from relatum_export.training.products import Catalogue

GRID = (0.0, 0.1, 0.2, 0.4, 0.8)
# Of a shop without judgements. A search of a whole catalogue finds by words what vectors miss.
DEFAULTS: Mapping[Use, float] = {"similar": 0.0, "search": 0.2, "rerank": 0.0, "answers": 0.0}
# The encoder may know train by heart, which makes words look needless there, never needed.
SPLITS = ("train", "valid")
MOST_PRODUCTS = 20_000  # to rank among; beyond that those that are judged and a fixed draw


def choose(
    corpus: Corpus,
    catalogue: Catalogue,
    words: Words,
    encoders: Sequence[CachedEncoder],
    *,
    answers: AnswerSpace | None = None,
    form: TextForm,
) -> list[Choice[Use]]:
    """The weight of each use by what the corpus's train and valid parts judge.

    Args:
        corpus: the shop.
        catalogue: its products.
        words: their weights.
        encoders: variants of one, whose cosines they stand beside, the one served by default first.
            What each question measures is averaged over them: rounding alone moves which of two
            passages is first. The other measures are smoother and take longer: the first measures.
        answers: in whose space questions and passages are compared, where there is one.
        form: how products become text.
    """
    small = _at_most(MOST_PRODUCTS, corpus, catalogue)
    found: dict[Use, dict[float, list[Outcome]]] = {use: {w: [] for w in GRID} for use in USES}
    for number, encoder in enumerate(encoders):
        for weight in GRID:
            own = replace(words, weights=dict.fromkeys(USES, weight))
            system = EncoderSystem(OWN, encoder, (form,), words=own, answers=answers)
            measured = _measured(corpus, small, system, questions_alone=number > 0)
            for use, outcomes in measured.items():
                found[use][weight] += outcomes
    return [weighed(use, found[use], DEFAULTS[use]) for use in USES]


def _measured(
    corpus: Corpus, catalogue: Catalogue, system: EncoderSystem, *, questions_alone: bool
) -> dict[Use, list[Outcome]]:
    """The outcomes that each use is chosen by, split by split; none where nothing is judged."""

    def outcomes(protocol: Protocol, splits: Sequence[str] = SPLITS) -> list[Outcome]:
        if not protocol.applies(corpus):
            return []
        task = Task(corpus, catalogue, tuple(splits), [system], None)
        return [o for o in protocol.measure(task) if o.system == OWN and o.units]

    answered = outcomes(QUESTIONS)
    if questions_alone:
        return {"answers": answered}
    searched = outcomes(SEARCH)
    # Replies are sought among those of train, so train's own questions would find themselves.
    answered = answered or outcomes(SERVICE, ("valid",))
    return {
        "similar": outcomes(BUNDLES),
        "search": [o for o in searched if o.measure == "NDCG@10/corpus"],
        "rerank": [o for o in searched if o.measure == "NDCG@10"],
        "answers": answered,
    }


def _at_most(products: int, corpus: Corpus, catalogue: Catalogue) -> Catalogue:
    """The catalogue, or of a large one what is judged and as many others as there is room for."""
    if len(catalogue.ids) <= products:
        return catalogue
    judged: set[str] = set()
    if corpus.has("judgments"):
        judged.update(corpus.table("judgments", ["item_id"]).column("item_id").to_pylist())
    if corpus.has("bundles"):
        for items in corpus.table("bundles", ["items"]).column("items").to_pylist():
            judged.update(items)
    order = np.random.default_rng(0).permutation(len(catalogue.ids)).tolist()
    order.sort(key=lambda row: catalogue.ids[row] not in judged)
    kept = sorted(order[: max(products, sum(item in judged for item in catalogue.ids))])
    variants = tuple(catalogue.variants[row] for row in kept) if catalogue.variants else ()
    return Catalogue(
        tuple(catalogue.ids[row] for row in kept),
        tuple(catalogue.products[row] for row in kept),
        variants,
    )
