"""What `train answers` refuses: one line that names the cause, exit status 2, nothing written."""

import pytest

from relatum_export.__main__ import main
from relatum_export.errors import InputError
from relatum_export.settings_file import read_settings
from relatum_export.training.answer_head.data import AnswerData
from relatum_export.training.answer_head.saved import load
from relatum_export.training.answer_head.settings import AnswerSettings
from tests.unit.export.evaluation.corpora import write_corpus
from tests.unit.export.training.answer_head.service_shops import (
    TopicEncoder,
    questions,
    service_shop,
)
from tests.unit.export.training.tiny_encoder import write_tiny_encoder


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ("membres = 2", "unknown key membres"),
        ("members = 0", "members"),
        ("dropout = 1.0", "dropout"),
        ("temperature = 0.0", "temperature"),
        ("epochs = [", "is not TOML"),
    ],
)
def test_a_config_that_makes_no_sense_is_refused(tmp_path, config, complaint):
    file = tmp_path / "answers.toml"
    file.write_text(config, encoding="utf-8")

    with pytest.raises(InputError) as refused:
        read_settings(AnswerSettings, file)

    assert complaint in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        (questions({"train": 10, "valid": 2}), "120 train questions"),
        (questions({"train": 40}), "no valid questions"),
        ([row | {"answer": "ok"} for row in questions()], "the same reply"),
    ],
)
def test_questions_that_teach_nothing_are_refused(tmp_path, rows, complaint):
    with pytest.raises(InputError, match=complaint):
        AnswerData.read(service_shop(tmp_path, rows), TopicEncoder())


def test_a_corpus_without_questions_is_refused_before_anything_is_written(tmp_path, capsys):
    write_corpus(tmp_path / "shop", ["p1", "p2"])
    tiny = write_tiny_encoder(tmp_path / "tiny", ["ask"])
    line = ["train", "answers", "--corpus", str(tmp_path / "shop"), "--encoder", str(tiny)]

    status = main([*line, "--out", str(tmp_path / "run")])

    assert status == 2
    assert "no questions with replies (faq.parquet)" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_folder_that_is_no_finished_run_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no answer head"):
        load(tmp_path)
