"""Which protocols a corpus allows, and what is listed as not judged."""

from typing import Any

import pytest

from relatum_export.evaluation.evaluate import NotJudged, applicable, measure, not_judged
from relatum_export.evaluation.protocols.cold_products import COLD_PRODUCTS
from relatum_export.evaluation.protocols.next_item import NEXT_ITEM
from tests.unit.export.evaluation.corpora import event, task_of, write_corpus

QUERY = {"query_id": "q", "query": "x", "split": "test"}
ROWS: dict[str, dict[str, Any]] = {
    "queries": QUERY,
    "judgments": {"query_id": "q", "item_id": "a", "label": 3.0, "split": "test"},
    "candidates": {"query_id": "q", "candidate": "x", "label": 2.0, "split": "test"},
    "bundles": {"bundle_id": 1, "items": ["a", "b"], "split": "test"},
    "pairs": {"item_id_a": "a", "item_id_b": "b", "relation": "substitute", "split": "test"},
    "faq": {"question_id": "1", "question": "x", "answer": "y", "split": "test"},
    "reviews": {"review_text": "good", "split": "test"},
}


NO_RELATION = ROWS["pairs"] | {"relation": None}


def judged(tmp_path, tables, items=("a", "b"), events=(), **more):
    rows = {table: [ROWS[table]] for table in tables}
    corpus = write_corpus(tmp_path, items, events, rows, **more)
    protocols = applicable(corpus)
    return [p.kind for p in protocols], {n.table: n.reason for n in not_judged(corpus, protocols)}


def test_search_is_judged_by_queries_and_judgments(tmp_path):
    assert judged(tmp_path, ["queries", "judgments"]) == (["search", "typos"], {})


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("faq", "among replies of train"),
        ("reviews", "no protocol"),
        ("queries", "neither judgments nor candidates"),
        ("judgments", "missing"),
        ("candidates", "missing"),
    ],
)
def test_a_table_without_a_protocol_is_listed_with_the_reason(tmp_path, table, reason):
    kinds, unjudged = judged(tmp_path, [table])

    assert kinds == []
    assert reason in unjudged[table]
    assert "items" in unjudged


def test_pairs_are_judged_by_their_relations_and_listed_where_none_is_given(tmp_path):
    assert judged(tmp_path / "given", ["pairs"]) == (["relations"], {})
    empty = write_corpus(tmp_path / "none", ("a", "b"), (), {"pairs": [NO_RELATION]})

    assert applicable(empty) == []
    assert (
        "neither a relation nor sameness"
        in {n.table: n.reason for n in not_judged(empty, [])}["pairs"]
    )


def test_events_beside_bundles_are_not_judged_because_the_bundles_are(tmp_path):
    kinds, unjudged = judged(tmp_path, ["bundles"], events=[event("u", "a", session_id="s")])

    assert kinds == ["bundle mates"]
    assert "the bundles are judged" in unjudged["events"]


def test_events_without_items_are_listed(tmp_path):
    kinds, unjudged = judged(tmp_path, [], items=(), events=[event("u", "a")])

    assert kinds == []
    assert unjudged == {"events": "there are no items to rank"}


def test_files_that_prepare_left_aside_are_listed_too(tmp_path):
    unused = {"photos.parquet": "no protocol uses this table"}

    _, unjudged = judged(tmp_path, ["queries", "judgments"], unused=unused)

    assert unjudged == unused


def silent(line):
    """Says nothing."""


def test_a_protocol_that_finds_no_case_says_so(tmp_path):
    corpus = write_corpus(tmp_path, ("a", "b"), [event("u", "a")])

    outcomes, unjudged = measure(task_of(corpus), [NEXT_ITEM], silent)

    assert outcomes == []
    reason = "next item: no case to measure in valid or test"
    assert unjudged == [NotJudged("events", reason)]


def test_a_table_that_another_protocol_judges_is_not_listed(tmp_path):
    events = [event("u", "a", position=0), event("u", "a", "test", position=1)]
    corpus = write_corpus(tmp_path, ("a", "b"), events)
    task = task_of(corpus)

    outcomes, unjudged = measure(task, [NEXT_ITEM, COLD_PRODUCTS], silent)

    assert outcomes
    assert unjudged == []
    assert task.notes[-1] == "cold products: no case to measure in valid or test"


def test_a_measure_that_two_protocols_share_is_a_slice_in_the_second(tmp_path):
    events = [event("u", "a", position=0), event("u", "b", "test", position=1)]
    corpus = write_corpus(tmp_path, ("a", "b"), events)

    outcomes, _ = measure(task_of(corpus), [NEXT_ITEM, NEXT_ITEM], silent)

    names = [f"{o.measure}/{o.system}" for o in outcomes]
    assert len(names) == len(set(names))
    assert "NDCG@10/popularity" in names
    assert "NDCG@10/next-item/popularity" in names
