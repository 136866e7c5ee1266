"""Questions: is the passage ranked first an answer?"""

from relatum_export.evaluation.protocols.questions import QUESTIONS
from tests.unit.export.evaluation.corpora import encoder_system, figures, task_of, write_corpus

VECTORS = {"does it fit": (1, 0), "yes": (0.9, 0.1), "maybe": (0.7, 0.6), "no": (0, 1)}


def candidates(query, split, *rows):
    return [
        {"candidate_id": i, "query_id": query, "candidate": text, "label": label, "split": split}
        for i, text, label in rows
    ]


def measured(tmp_path, rows, *ids):
    questions = [{"query_id": i, "query": "does it fit"} for i in ids]
    corpus = write_corpus(tmp_path, tables={"queries": questions, "candidates": rows})
    return figures(QUESTIONS, task_of(corpus, encoder_system(VECTORS)))


def test_only_a_first_passage_of_label_2_counts(tmp_path):
    rows = [
        *candidates("full", "test", ("1", "no", 0.0), ("2", "yes", 2.0)),
        *candidates("help", "test", ("3", "maybe", 1.0), ("4", "no", 2.0)),
        *candidates("none", "test", ("5", "yes", 0.0), ("6", "no", 1.0)),
        *candidates("late", "valid", ("7", "yes", 1.0), ("8", "maybe", 2.0)),
    ]

    found = measured(tmp_path, rows, "full", "help", "none", "late")

    assert found["test/P@1/zero-shot"].units == ("full", "help", "none")
    assert found["test/P@1/zero-shot"].numerator.tolist() == [1, 0, 0]
    assert found["valid/P@1/zero-shot"].value == 0


def test_a_passage_of_another_question_is_no_candidate(tmp_path):
    rows = [
        *candidates("q", "test", ("1", "no", 2.0), ("2", "no", 0.0)),
        *candidates("other", "test", ("3", "yes", 0.0), ("4", "no", 2.0)),
    ]

    found = measured(tmp_path, rows, "q", "other")

    assert found["test/P@1/zero-shot"].numerator.tolist() == [0, 1]  # units: other, q


def test_of_equal_passages_the_lower_id_is_first(tmp_path):
    rows = candidates("q", "test", ("b", "yes", 2.0), ("a", "yes", 0.0))

    assert measured(tmp_path, rows, "q")["test/P@1/zero-shot"].value == 0
