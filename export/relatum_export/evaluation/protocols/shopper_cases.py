"""Shoppers' cases for the report: what they had, what came next, and what they were given."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from relatum_export.evaluation.evidence import Case, Cases, Evidence, Given
from relatum_export.evaluation.product_facts import ProductFacts
from relatum_export.evaluation.rows import Outcome
from relatum_export.evaluation.slices import length_label

MAIN = "NDCG@10"
SHOWN_HISTORY = 5  # of the latest products


def shopper_case(
    facts: ProductFacts, history: Sequence[str], steps: int, target: Sequence[str]
) -> Case:
    """One shopper, sliced by length of history and by what came next.

    Args:
        facts: of the products.
        history: ids, oldest first.
        steps: events or baskets of the history.
        target: ids of what came next; of one product its popularity is told too.
    """
    last = [facts.titles.get(item, item) for item in reversed(history[-SHOWN_HISTORY:])]
    own = facts.slices(target, popularity=len(target) == 1)
    own["history"] = length_label("history", steps)
    return Case(" ← ".join(last), tuple(target), own)


def described(
    outcomes: Sequence[Outcome],
    kind: str,
    items: Sequence[str],
    cases: Mapping[str, Mapping[str, Case]],
    facts: ProductFacts,
) -> list[Outcome]:
    """The outcomes with what stands behind the main figure.

    Args:
        outcomes: of all systems; what was given holds positions in ``items``.
        kind: of protocol.
        items: ids of the catalogue.
        cases: by split and unit.
        facts: for titles.
    """
    of_split = {split: Cases(kind, own, facts.titles) for split, own in cases.items()}
    found = []
    for outcome in outcomes:
        if outcome.measure == MAIN:
            given = outcome.evidence.given if outcome.evidence is not None else None
            given = None if given is None else Given(items, given.ranked)
            evidence = Evidence(of_split[outcome.split], given)
            found.append(replace(outcome, evidence=evidence))
        else:
            found.append(outcome)
    return found
