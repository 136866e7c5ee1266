"""Which protocols a corpus allows, and what is listed as not judged."""

from typing import Any

import pytest

from relatum_export.evaluation.evaluate import applicable, measured, not_judged
from relatum_export.evaluation.protocols.next_item import NEXT_ITEM
from relatum_export.evaluation.rows import mean_outcome
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


def judged(tmp_path, tables, items=("a", "b"), events=(), **more):
    rows = {table: [ROWS[table]] for table in tables}
    corpus = write_corpus(tmp_path, items, events, rows, **more)
    protocols = applicable(corpus)
    return [p.kind for p in protocols], {n.table: n.reason for n in not_judged(corpus, protocols)}


def test_search_is_judged_by_queries_and_judgments(tmp_path):
    assert judged(tmp_path, ["queries", "judgments"]) == (["search"], {})


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("pairs", "association head"),
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


def test_a_protocol_that_finds_no_case_says_so(tmp_path):
    corpus = write_corpus(tmp_path, ("a", "b"), [event("u", "a")])

    outcomes, without = measured(task_of(corpus), NEXT_ITEM, [])

    assert outcomes == []
    assert "no case to measure in valid or test" in without[0].reason


def test_a_measure_that_two_protocols_share_is_a_slice_in_the_second(tmp_path):
    events = [event("u", "a", position=0), event("u", "b", "test", position=1)]
    corpus = write_corpus(tmp_path, ("a", "b"), events)
    searched = mean_outcome("test", "zero-shot", "NDCG@10", ["q"], [1.0])

    outcomes, _ = measured(task_of(corpus), NEXT_ITEM, [searched])

    assert {o.measure for o in outcomes} == {"NDCG@10/next-item", "HR@10", "MRR"}
