"""The protocols that a corpus allows, what they measure, and what none of them judges."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from relatum_export.corpus.folder import Corpus
from relatum_export.evaluation.agreement import AgreementResult, agreement
from relatum_export.evaluation.protocols.base import Protocol, Task
from relatum_export.evaluation.protocols.bundles import BUNDLES
from relatum_export.evaluation.protocols.cold_products import COLD_PRODUCTS
from relatum_export.evaluation.protocols.next_basket import NEXT_BASKET
from relatum_export.evaluation.protocols.next_item import NEXT_ITEM
from relatum_export.evaluation.protocols.pairs import PAIRS
from relatum_export.evaluation.protocols.questions import QUESTIONS
from relatum_export.evaluation.protocols.same_product import SAME_PRODUCT
from relatum_export.evaluation.protocols.search import SEARCH
from relatum_export.evaluation.protocols.service import SERVICE
from relatum_export.evaluation.protocols.typos import TYPOS
from relatum_export.evaluation.rows import Outcome
from relatum_export.evaluation.systems import TORCH, VARIANT_SYSTEMS

PROTOCOLS: tuple[Protocol, ...] = (
    SEARCH,
    TYPOS,
    QUESTIONS,
    BUNDLES,
    NEXT_ITEM,
    NEXT_BASKET,
    COLD_PRODUCTS,
    SAME_PRODUCT,
    PAIRS,
    SERVICE,
)

# Why a table that is there is judged by no protocol.
REASONS: Mapping[str, str] = {
    "events": "there are no items to rank",
    "queries": "neither judgments nor candidates belong to them",
    "judgments": "their queries or items are missing",
    "candidates": "their queries are missing",
    "bundles": "there are no items to rank",
    "cases": "the events to fit on, or the items to rank, are missing",
    "pairs": "there are no items, or neither a relation nor sameness is judged",
    "faq": "too few splits: replies of test are sought among replies of train",
    "reviews": "no protocol judges an encoder by review texts",
}
BUNDLED = "its baskets are what the bundles were marked in; the bundles are judged"
ITEMS_ALONE = "neither queries, events, bundles nor pairs to judge by"


@dataclass(frozen=True, slots=True)
class NotJudged:
    """A table, or a file of the source, that no protocol measures."""

    table: str
    reason: str


def applicable(corpus: Corpus) -> list[Protocol]:
    """The protocols that the corpus's files allow."""
    return [protocol for protocol in PROTOCOLS if protocol.applies(corpus)]


def not_judged(corpus: Corpus, protocols: Sequence[Protocol]) -> list[NotJudged]:
    """The tables that no protocol reads, and the files that `prepare` left aside, with reasons."""
    judged = {table for protocol in protocols for table in protocol.judges}
    found = []
    for table, reason in REASONS.items():
        if corpus.has(table) and table not in judged:
            bundled = table == "events" and corpus.has("bundles")
            found.append(NotJudged(table, BUNDLED if bundled else reason))
    if corpus.has("items") and not protocols:
        found.append(NotJudged("items", ITEMS_ALONE))
    unused: Mapping[str, str] = corpus.info.get("unused", {})
    return found + [NotJudged(file, reason) for file, reason in unused.items()]


def measure(
    task: Task, protocols: Sequence[Protocol], say: Callable[[str], None]
) -> tuple[list[Outcome], list[NotJudged]]:
    """All protocols' outcomes, and the tables in which they find nothing to measure.

    A measure that an earlier protocol has too is a slice in the later one, as in
    ``NDCG@10/next-basket``: a shop with searches and baskets has one row a name.

    Args:
        task: the corpus and the systems.
        protocols: those that apply to the corpus.
        say: is told which protocol comes next.
    """
    outcomes: list[Outcome] = []
    judged: set[str] = set()
    silent = []
    for protocol in protocols:
        say(f"{task.corpus.name}: {protocol.kind}")
        taken = {outcome.measure for outcome in outcomes}
        slice_ = protocol.kind.replace(" ", "-")
        found = [
            replace(o, measure=f"{o.measure}/{slice_}") if o.measure in taken else o
            for o in protocol.measure(task)
            if o.units
        ]
        outcomes += found
        if found:
            judged.update(protocol.judges)
        else:
            silent.append(protocol)
    unjudged = []
    for protocol in silent:
        reason = f"{protocol.kind}: no case to measure in {' or '.join(task.splits)}"
        tables = [t for t in protocol.judges if task.corpus.has(t) and t not in judged]
        if tables:
            unjudged.append(NotJudged(", ".join(tables), reason))
        else:
            task.notes.append(reason)
    return outcomes, unjudged


def agreements(outcomes: Sequence[Outcome]) -> list[AgreementResult]:
    """Each exported variant beside PyTorch, wherever both were measured."""
    reference = {(o.split, o.measure): o for o in outcomes if o.system == TORCH}
    return [
        agreement(outcome, reference[outcome.split, outcome.measure])
        for outcome in outcomes
        if outcome.system in VARIANT_SYSTEMS and (outcome.split, outcome.measure) in reference
    ]
