"""Question files that no protocol judges are training pairs, and leak nothing of what is judged."""

from pathlib import Path
from typing import Any

from relatum_export.corpus.folder import Corpus
from tests.unit.export.corpus.sources import prepare, write_set

QUESTIONS: dict[str, list[Any]] = {
    "query_id": ["q1", "q2"],
    "query": ["is it blue", "does it float"],
    "split": ["train", "test"],
}
JUDGED: dict[str, list[Any]] = {
    "query_id": ["q1", "q2"],
    "candidate": ["it is blue", "it floats"],
    "label": [2, 2],
    "split": ["train", "test"],
}


def question_pairs(folder: Path) -> set[tuple[str, str, str]]:
    rows = Corpus.open(folder).table("training_pairs").to_pylist()
    return {(row["text_a"], row["text_b"], row["split"]) for row in rows}


def test_questions_and_answers_of_a_further_file_are_training_pairs_and_no_table(
    tmp_path: Path,
) -> None:
    written: dict[str, list[Any]] = {
        "question": ["how tall", "how wide", "how deep"],
        "evidence": ["two feet tall", None, "a foot"],
        "answer": ["2 ft", "3 ft", "1 ft"],
        "split": ["train", "valid", "test"],
    }
    source = write_set(tmp_path / "qa", queries=QUESTIONS, candidates=JUDGED, letters=written)

    prepare("--data", source, "--out", tmp_path / "corpus")

    corpus = Corpus.open(tmp_path / "corpus")
    assert question_pairs(tmp_path / "corpus") == {
        ("is it blue", "it is blue", "train"),
        ("how tall", "two feet tall", "train"),
        ("how wide", "3 ft", "valid"),
    }
    assert "further_answers" not in corpus.counts
    assert "training pairs" in corpus.info["unused"]["letters.parquet"]


def test_a_further_files_question_goes_with_the_judged_question_and_its_test_pairs_stay_out(
    tmp_path: Path,
) -> None:
    unsplit: dict[str, list[Any]] = {
        "question": ["Does it float", "is it blue"],
        "answer": ["like a duck", "it is"],
    }
    leaking: dict[str, list[Any]] = {
        "question": ["does it float", "does it sink"],
        "answer": ["it floats", "never"],
        "split": ["train", "train"],
    }
    source = write_set(
        tmp_path / "qa", queries=QUESTIONS, candidates=JUDGED, more=unsplit, leaking=leaking
    )

    prepare("--data", source, "--out", tmp_path / "corpus")

    assert question_pairs(tmp_path / "corpus") == {
        ("is it blue", "it is blue", "train"),
        ("is it blue", "it is", "train"),
        ("does it sink", "never", "train"),
    }


def test_a_question_that_is_judged_in_test_trains_nothing_in_a_further_file(
    tmp_path: Path,
) -> None:
    written: dict[str, list[Any]] = {
        "question": ["Does it  float", "is it red", "is it blue"],
        "answer": ["for an hour", "rather pink", "as the sky"],
        "split": ["train", "train", "valid"],
    }
    spoken: dict[str, list[Any]] = {
        "question_id": ["f1", "f2"],
        "question": ["Is it red", "is it blue"],
        "answer": ["it is red", "blue it is"],
        "split": ["test", "train"],
    }
    source = write_set(
        tmp_path / "qa", queries=QUESTIONS, candidates=JUDGED, faq=spoken, letters=written
    )

    prepare("--data", source, "--out", tmp_path / "corpus")

    assert question_pairs(tmp_path / "corpus") == {
        ("is it blue", "it is blue", "train"),
        ("is it blue", "blue it is", "train"),
        ("is it blue", "as the sky", "valid"),
    }


def test_a_further_file_is_not_refused_for_the_bad_rows_of_another(tmp_path: Path) -> None:
    empty: dict[str, list[Any]] = {
        "question": [f"is it {i}" for i in range(30)],
        "answer": ["it is", *[None] * 29],
    }
    good: dict[str, list[Any]] = {
        "question": ["how tall"],
        "answer": ["two feet"],
        "split": ["train"],
    }
    source = write_set(
        tmp_path / "qa", queries=QUESTIONS, candidates=JUDGED, first=empty, second=good
    )

    prepare("--data", source, "--out", tmp_path / "corpus")

    assert ("how tall", "two feet", "train") in question_pairs(tmp_path / "corpus")


def test_prompts_to_a_language_model_are_no_questions(tmp_path: Path) -> None:
    prompts: dict[str, list[Any]] = {
        "instruction": ["Name the category."] * 2,
        "question": ["title: red mug\nanswer:", "title: oak desk\nanswer:"],
        "answer": ["mugs", "desks"],
        "split": ["train", "valid"],
    }
    source = write_set(tmp_path / "qa", queries=QUESTIONS, candidates=JUDGED, tasks=prompts)

    prepare("--data", source, "--out", tmp_path / "corpus")

    assert question_pairs(tmp_path / "corpus") == {("is it blue", "it is blue", "train")}
    assert "no protocol" in Corpus.open(tmp_path / "corpus").info["unused"]["tasks.parquet"]


def test_a_further_file_whose_answers_are_classes_is_left_out_with_the_reason(
    tmp_path: Path,
) -> None:
    classes: dict[str, list[Any]] = {
        "question": [f"is it {i}" for i in range(12)],
        "answer": ["yes", "no"] * 6,
    }
    source = write_set(tmp_path / "qa", queries=QUESTIONS, candidates=JUDGED, labels=classes)

    prepare("--data", source, "--out", tmp_path / "corpus")

    assert len(question_pairs(tmp_path / "corpus")) == 1
    assert "2 classes" in Corpus.open(tmp_path / "corpus").info["unused"]["labels.parquet"]
