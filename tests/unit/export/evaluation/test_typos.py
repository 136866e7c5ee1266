"""Typos in queries, and what they cost."""

import pytest

from relatum_export.evaluation.protocols.search import SEARCH
from relatum_export.evaluation.protocols.typos import DRAWS, TYPOS, misspelt
from relatum_export.evaluation.rows import rows_of
from tests.unit.export.evaluation.corpora import encoder_system, figures, task_of, write_corpus


def test_each_second_word_gets_one_edit_and_the_others_stay():
    asked = "red leather shoes women a"

    for draw in range(50):
        words = misspelt(asked, draw).split(" ")

        assert words[::2] == ["red", "shoes", "a"]
        for typed, word in zip(words[1::2], ["leather", "women"], strict=True):
            assert typed != word
            assert abs(len(typed) - len(word)) <= 1
            assert typed


def test_a_word_of_one_letter_is_edited_and_does_not_vanish():
    for draw in range(50):
        assert misspelt("size a", draw).split()[1] != "a"
        assert len(misspelt("size a", draw).split()) == 2


def test_draws_differ_and_each_is_the_same_again():
    first = [misspelt("red leather", draw) for draw in range(DRAWS)]

    assert len(set(first)) > DRAWS // 2
    assert first == [misspelt("red leather", draw) for draw in range(DRAWS)]


class WrongWords(dict[str, tuple[int, int]]):
    """Knows its texts; any other query points the other way."""

    def __missing__(self, text):
        return (0, 1)


ITEMS = ("a", "b")
VECTORS = WrongWords({"red shoe": (1, 0), "shoe": (1, 0), "a": (1, 0), "b": (0, 1)})


def judged(tmp_path, **queries):
    tables: dict[str, list[dict[str, object]]] = {
        "queries": [{"query_id": q, "query": text, "split": q} for q, text in queries.items()],
        "judgments": [
            {"query_id": q, "item_id": item, "label": label, "split": q}
            for q in queries
            for item, label in (("a", 3.0), ("b", 0.0))
        ],
    }
    return write_corpus(tmp_path, ITEMS, tables=tables)


def test_the_loss_is_relative_to_the_clean_figure_over_valid_and_test_together(tmp_path):
    task = task_of(judged(tmp_path, valid="red shoe", test="shoe"), encoder_system(VECTORS))

    found = figures(TYPOS, task)

    # Well typed both have NDCG 1; mistyped the first finds b before a: 1 / log2(3).
    loss = found["test/loss/typos/zero-shot"]
    assert set(loss.units) == {"valid", "test"}
    assert loss.value == pytest.approx((1 - 0.6309297536) / 2)
    assert [row.better for row in rows_of("shop", [loss])] == ["lower"]
    assert any("1 of them of one word" in note for note in task.notes)


def test_with_valid_alone_the_row_is_of_valid(tmp_path):
    corpus = judged(tmp_path, valid="red shoe", test="shoe")

    found = figures(TYPOS, task_of(corpus, encoder_system(VECTORS), splits=("valid",)))

    assert list(found) == ["valid/loss/typos/zero-shot"]


def test_queries_without_a_second_word_are_not_judged(tmp_path):
    corpus = judged(tmp_path, valid="shoe", test="shoe")

    assert figures(TYPOS, task_of(corpus, encoder_system(VECTORS))) == {}
    assert figures(SEARCH, task_of(corpus, encoder_system(VECTORS)))


def test_the_artifacts_encoder_is_asked_what_the_server_would_have_corrected(tmp_path):
    tables: dict[str, list[dict[str, object]]] = {
        "queries": [{"query_id": "q", "query": "red leather", "split": "valid"}],
        "judgments": [
            {"query_id": "q", "item_id": item, "label": label, "split": "valid"}
            for item, label in (("leather shoe", 3.0), ("shirt", 0.0))
        ],
    }
    corpus = write_corpus(tmp_path, ("leather shoe", "shirt"), tables=tables)
    vectors = WrongWords({"red leather": (1, 0), "leather shoe": (1, 0), "shirt": (0, 1)})
    task = task_of(
        corpus,
        encoder_system(vectors),
        encoder_system(vectors, name="relatum"),
        splits=("valid",),
    )

    found = figures(TYPOS, task)

    assert found["valid/loss/typos/zero-shot"].value == pytest.approx(1 - 0.6309297536)
    assert found["valid/loss/typos/relatum"].value == 0


def test_search_asks_the_artifacts_encoder_alike(tmp_path):
    tables: dict[str, list[dict[str, object]]] = {
        "queries": [{"query_id": "q", "query": "red leathre", "split": "valid"}],
        "judgments": [
            {"query_id": "q", "item_id": item, "label": label, "split": "valid"}
            for item, label in (("leather shoe", 3.0), ("shirt", 0.0))
        ],
    }
    corpus = write_corpus(tmp_path, ("leather shoe", "shirt"), tables=tables)
    vectors = WrongWords({"red leather": (1, 0), "leather shoe": (1, 0), "shirt": (0, 1)})
    names = ("zero-shot", "relatum-torch", "relatum")
    systems = [encoder_system(vectors, name=name) for name in names]
    task = task_of(corpus, *systems, splits=("valid",))

    found = figures(SEARCH, task)

    assert found["valid/NDCG@10/relatum"].value == 1
    assert found["valid/NDCG@10/relatum-torch"].value == 1  # or their agreement would say nothing
    assert found["valid/NDCG@10/corpus/relatum"].value == 1
    assert found["valid/NDCG@10/zero-shot"].value < 1
    assert any("zero-shot and bm25 are asked what was typed" in note for note in task.notes)
