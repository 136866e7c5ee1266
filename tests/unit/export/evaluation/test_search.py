"""Search: judged products re-ranked, and the whole corpus beside it."""

import math

import pytest

from relatum_export.evaluation.protocols.search import SEARCH
from tests.unit.export.evaluation.corpora import encoder_system, figures, task_of, write_corpus

ITEMS = ("a", "b", "c", "d", "e")
# The query's vector is (1, 0), so an item's first coordinate orders it: d, a, c, b, e.
VECTORS = {
    "red shoe": (1, 0),
    "d": (0.9, 0.1),
    "a": (0.8, 0.3),
    "c": (0.5, 0.5),
    "b": (0.2, 0.9),
    "e": (0, 1),
}
SYSTEM = encoder_system(VECTORS)


def queries(*ids):
    return [{"query_id": i, "query": "red shoe", "split": "test"} for i in ids]


def judgments(query, **labels):
    return [
        {"query_id": query, "item_id": item, "label": float(label), "split": "test"}
        for item, label in labels.items()
    ]


def measured(tmp_path, ids, judged):
    corpus = write_corpus(tmp_path, ITEMS, tables={"queries": queries(*ids), "judgments": judged})
    task = task_of(corpus, SYSTEM)
    return figures(SEARCH, task), task


def test_judged_products_are_reranked_with_gain_2_to_the_label_minus_1(tmp_path):
    found, _ = measured(tmp_path, ["q"], judgments("q", a=1, b=3, c=0))

    # Order a, c, b: gains 1, 0, 7; the ideal order has 7, 1, 0.
    expected = (1 + 7 / math.log2(4)) / (7 + 1 / math.log2(3))
    assert found["test/NDCG@10/zero-shot"].value == pytest.approx(expected)


def test_in_the_whole_corpus_a_product_without_a_judgment_counts_0(tmp_path):
    found, _ = measured(tmp_path, ["q"], judgments("q", a=1, b=3, c=0))

    # Order d (unjudged), a, c, b, e: gains 0, 1, 0, 7, 0; the ideal is of the judged alone.
    expected = (1 / math.log2(3) + 7 / math.log2(5)) / (7 + 1 / math.log2(3))
    assert found["test/NDCG@10/corpus/zero-shot"].value == pytest.approx(expected)
    assert found["test/R@50/corpus/zero-shot"].value == 1  # b, the only label above 1


def test_a_query_without_a_label_above_0_is_left_out_and_counted(tmp_path):
    judged = judgments("q", a=1, b=3) + judgments("bad", a=0, b=0)
    found, task = measured(tmp_path, ["q", "bad"], judged)

    assert found["test/NDCG@10/zero-shot"].units == ("q",)
    assert found["test/NDCG@10/corpus/zero-shot"].units == ("q",)
    assert "search, test: 1 queries left out, no label above 0" in task.notes


def test_a_query_with_a_single_judged_product_counts_for_the_whole_corpus_alone(tmp_path):
    judged = judgments("q", a=1, b=3) + judgments("one", c=3)
    found, _ = measured(tmp_path, ["q", "one"], judged)

    assert found["test/NDCG@10/zero-shot"].units == ("q",)
    corpus = found["test/NDCG@10/corpus/zero-shot"]
    assert corpus.units == ("one", "q")
    assert corpus.numerator[0] == pytest.approx(1 / math.log2(4))  # c is third


def test_equal_scores_are_ranked_by_id(tmp_path):
    same = encoder_system(dict.fromkeys(VECTORS, (1, 0)))
    judged = judgments("q", e=3, b=1, a=0)
    corpus = write_corpus(
        tmp_path, ("e", "b", "a", "c", "d"), tables={"queries": queries("q"), "judgments": judged}
    )

    found = figures(SEARCH, task_of(corpus, same))

    # a, b, e among the judged; a, b, c, d, e in the corpus.
    ideal = 7 + 1 / math.log2(3)
    assert found["test/NDCG@10/zero-shot"].value == pytest.approx(
        (1 / math.log2(3) + 7 / math.log2(4)) / ideal
    )
    assert found["test/NDCG@10/corpus/zero-shot"].value == pytest.approx(
        (1 / math.log2(3) + 7 / math.log2(6)) / ideal
    )


def test_the_report_can_show_what_was_asked_given_and_right_of_both_figures(tmp_path):
    found, _ = measured(tmp_path, ["q"], judgments("q", a=1, b=3, c=0))

    def shown(measure):
        evidence = found[f"test/{measure}/zero-shot"].evidence
        case = evidence.cases.by_unit["q"]
        return case.asked, evidence.given.of_unit(0), case.right

    assert shown("NDCG@10") == ("red shoe", ["a", "c", "b"], ("b",))
    assert shown("NDCG@10/corpus") == ("red shoe", ["d", "a", "c", "b", "e"], ("b",))
