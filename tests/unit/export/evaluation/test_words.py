"""Words beside vectors in the protocols."""

from dataclasses import replace
from typing import Any

import pytest

from relatum_export.artifact.words import USES, Words, WordTable
from relatum_export.evaluation.protocols.bundles import BUNDLES
from relatum_export.evaluation.protocols.questions import QUESTIONS
from relatum_export.evaluation.protocols.search import SEARCH
from relatum_export.evaluation.rows import rows_of
from relatum_export.evaluation.systems import EncoderSystem
from tests.unit.export.evaluation.corpora import encoder_system, figures, task_of, write_corpus

# Twelve products before the mates of "red tea" by vectors; words know "red pot".
ITEMS = ["red tea", "red pot", *(f"thing{i:02}" for i in range(12))]
VECTORS = {"red tea": (1.0, 0.0), "red pot": (0.0, 1.0)} | {
    f"thing{i:02}": (1.0, 0.1) for i in range(12)
}


def worded(name: str = "relatum", vectors: Any = VECTORS, **weights: float) -> EncoderSystem:
    table = WordTable.fit(ITEMS)
    return replace(
        encoder_system(vectors, name=name),
        words=Words(table, table, {use: weights.get(use, 0.0) for use in USES}),
    )


def test_the_artifact_finds_by_words_what_its_vectors_miss_and_its_row_without_them_does_not(
    tmp_path,
):
    bundle = {"bundle_id": 1, "items": ["red tea", "red pot"], "split": "test"}
    corpus = write_corpus(tmp_path, ITEMS, tables={"bundles": [bundle]})
    systems = (encoder_system(VECTORS), worded(similar=1.0), worded("relatum-torch", similar=1.0))

    found = figures(BUNDLES, task_of(corpus, *systems))

    assert found["test/R@10/relatum"].numerator.tolist() == [1]  # the tea from the pot
    assert found["test/R@10/relatum-torch"].numerator.tolist() == [1]
    assert found["test/R@10/relatum-text"].value == found["test/R@10/zero-shot"].value == 0


def test_what_words_add_is_a_paired_difference(tmp_path):
    bundles = [{"bundle_id": i, "items": ["red tea", "red pot"], "split": "test"} for i in range(3)]
    corpus = write_corpus(tmp_path, ITEMS, tables={"bundles": bundles})

    found = figures(BUNDLES, task_of(corpus, worded(similar=1.0)))
    rows = {row.name for row in rows_of("shop", list(found.values()))}

    assert "shop/test/R@10/vs-relatum-text/relatum" in rows


def test_a_use_without_weight_has_no_row_of_its_own(tmp_path):
    bundle = {"bundle_id": 1, "items": ["red tea", "red pot"], "split": "test"}
    corpus = write_corpus(tmp_path, ITEMS, tables={"bundles": [bundle]})

    found = figures(BUNDLES, task_of(corpus, worded(search=1.0)))

    assert set(found) == {"test/R@10/relatum"}


def test_a_search_of_all_and_of_the_judged_have_weights_of_their_own(tmp_path):
    vectors = VECTORS | {"red": (1.0, 0.0)}
    judgments = [
        {"query_id": "q", "item_id": item, "label": label, "split": "test"}
        for item, label in (("red pot", 3), ("thing00", 0))
    ]
    tables: dict[str, Any] = {
        "queries": [{"query_id": "q", "query": "red"}],
        "judgments": judgments,
    }
    corpus = write_corpus(tmp_path, ITEMS, tables=tables)

    found = figures(SEARCH, task_of(corpus, worded(vectors=vectors, search=9.0), splits=("test",)))

    alone = found["test/NDCG@10/relatum-text"].value
    assert found["test/NDCG@10/relatum"].value == alone < 1
    assert found["test/NDCG@10/corpus/relatum-text"].value == 0
    assert found["test/NDCG@10/corpus/relatum"].value > 0


@pytest.mark.parametrize(("weight", "right"), [(0.0, 0.0), (1.0, 1.0)])
def test_an_answer_may_be_found_by_its_words(tmp_path, weight, right):
    vectors = {"red tea": (1.0, 0.0), "thing00": (1.0, 0.0), "red pot": (0.9, 0.1)}
    rows = [
        {
            "candidate_id": str(i),
            "query_id": "q",
            "candidate": text,
            "label": label,
            "split": "test",
        }
        for i, (text, label) in enumerate((("thing00", 0.0), ("red pot", 2.0)))
    ]
    tables: dict[str, Any] = {
        "queries": [{"query_id": "q", "query": "red tea"}],
        "candidates": rows,
    }
    corpus = write_corpus(tmp_path, tables=tables)

    found = figures(QUESTIONS, task_of(corpus, worded(vectors=vectors, answers=weight)))

    assert found["test/P@1/relatum"].value == right
