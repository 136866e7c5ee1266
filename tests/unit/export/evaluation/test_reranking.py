"""What a reranker adds, and that it reads no pair twice."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from relatum_export.evaluation.protocols.questions import QUESTIONS
from relatum_export.evaluation.reranking import MOST_READ, Reranking
from tests.unit.export.evaluation.corpora import encoder_system, task_of, write_corpus


class Lengths:
    """The length of the text, and which pairs were asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def scores(self, pairs):
        self.asked += pairs
        return np.array([len(text) for _, text in pairs], np.float32)


def test_a_score_is_weighed_and_a_pair_is_read_once():
    scorer = Lengths()
    reranking = Reranking(scorer, {"answers": 0.5})

    first = reranking.added("answers", "q", ["a", "abc", "a"], np.zeros(3))
    second = reranking.added("answers", "q", ["abc", "ab"], np.zeros(2))

    assert first.tolist() == [0.5, 1.5, 0.5]
    assert second.tolist() == [1.5, 1.0]
    assert scorer.asked == [("q", "a"), ("q", "abc"), ("q", "ab")]


@pytest.mark.parametrize("weights", [{}, {"rerank": 0.0}, {"answers": 1.0}])
def test_without_a_weight_nothing_is_read(weights):
    scorer = Lengths()

    assert Reranking(scorer, weights).added("rerank", "q", ["a"], np.zeros(1)).tolist() == [0.0]
    assert scorer.asked == []


def test_nothing_to_read_adds_nothing():
    reranking = Reranking(Lengths(), {"answers": 1.0})

    assert reranking.added("answers", "q", [], np.zeros(0)).shape == (0,)


def test_only_the_best_are_read_and_the_others_count_as_the_least_of_them():
    scorer = Lengths()
    texts = ["x" * (n + 2) for n in range(MOST_READ)] + ["y" * 99]
    scores = np.arange(len(texts), 0, -1.0)  # the last one is read no more

    found = Reranking(scorer, {"rerank": 1.0}).added("rerank", "q", texts, scores)

    assert len(scorer.asked) == MOST_READ
    assert found.tolist() == [*(len(text) for text in texts[:-1]), 2.0]


def test_the_reranker_decides_between_passages_beside_the_cosine(tmp_path):
    rows = {"short": 0, "a longer passage": 2}
    tables: dict[str, Any] = {
        "queries": [{"query_id": "q", "query": "why", "split": "valid"}],
        "candidates": [
            {
                "candidate_id": text,
                "query_id": "q",
                "candidate": text,
                "label": label,
                "split": "valid",
            }
            for text, label in rows.items()
        ],
    }
    corpus = write_corpus(tmp_path / "corpus", ["x"], tables=tables)
    vectors = {"why": (1.0, 0.0), "short": (1.0, 0.0), "a longer passage": (0.9, 0.1)}
    alone = encoder_system(vectors, name="relatum")
    read = replace(alone, reranking=Reranking(Lengths(), {"answers": 0.1}))

    (without,) = QUESTIONS.measure(task_of(corpus, alone, splits=("valid",)))
    text_alone, with_it = QUESTIONS.measure(task_of(corpus, read, splits=("valid",)))

    assert (without.system, without.value) == ("relatum", 0.0)
    assert (text_alone.system, text_alone.value) == ("relatum-text", 0.0)
    assert (with_it.system, with_it.value) == ("relatum", 1.0)
