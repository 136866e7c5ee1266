"""Which protocols a corpus allows, and why a table has none."""

from collections.abc import Sequence
from dataclasses import dataclass

from relatum_export.corpus.folder import Corpus
from relatum_export.evaluation.agreement import AgreementResult, agreement
from relatum_export.evaluation.protocols.base import Protocol
from relatum_export.evaluation.protocols.bundles import BUNDLES
from relatum_export.evaluation.protocols.next_basket import NEXT_BASKET
from relatum_export.evaluation.protocols.next_item import NEXT_ITEM
from relatum_export.evaluation.protocols.questions import QUESTIONS
from relatum_export.evaluation.protocols.same_product import SAME_PRODUCT
from relatum_export.evaluation.protocols.search import SEARCH
from relatum_export.evaluation.protocols.service import SERVICE
from relatum_export.evaluation.rows import Outcome
from relatum_export.evaluation.systems import TORCH, VARIANT_SYSTEMS

PROTOCOLS: tuple[Protocol, ...] = (
    SEARCH,
    QUESTIONS,
    BUNDLES,
    NEXT_ITEM,
    NEXT_BASKET,
    SAME_PRODUCT,
    SERVICE,
)


@dataclass(frozen=True, slots=True)
class NotJudged:
    """A table that no protocol measures."""

    table: str
    reason: str


def applicable(corpus: Corpus) -> list[Protocol]:
    """The protocols that the corpus's files allow."""
    return [protocol for protocol in PROTOCOLS if protocol.applies(corpus)]


def not_judged(corpus: Corpus, protocols: Sequence[Protocol]) -> list[NotJudged]:
    """The tables that no protocol reads, each with the reason."""
    kinds = {protocol.kind for protocol in protocols}
    found = []
    if corpus.has("reviews"):
        found.append(NotJudged("reviews", "no protocol judges an encoder by review texts"))
    if corpus.has("pairs") and SAME_PRODUCT.kind not in kinds:
        reason = "their relations need an association head, and no such model is given"
        found.append(NotJudged("pairs", reason))
    if corpus.has("faq") and SERVICE.kind not in kinds:
        found.append(NotJudged("faq", "no split of its replies into train and test"))
    if corpus.has("events") and not {NEXT_ITEM.kind, NEXT_BASKET.kind} & kinds:
        reason = "its baskets are what the bundles were marked in; the bundles are judged"
        found.append(NotJudged("events", reason))
    if corpus.has("items") and not protocols:
        found.append(NotJudged("items", "neither queries, events, bundles nor pairs to judge by"))
    return found


def agreements(outcomes: Sequence[Outcome]) -> list[AgreementResult]:
    """Each exported variant beside PyTorch, wherever both were measured."""
    reference = {(o.split, o.measure): o for o in outcomes if o.system == TORCH}
    return [
        agreement(outcome, reference[outcome.split, outcome.measure])
        for outcome in outcomes
        if outcome.system in VARIANT_SYSTEMS and (outcome.split, outcome.measure) in reference
    ]
