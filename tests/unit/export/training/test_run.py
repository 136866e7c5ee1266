"""A run folder is resumed only by the run that it belongs to."""

import json

import pytest

from relatum_export.corpus.text import TITLE
from relatum_export.errors import InputError
from relatum_export.training.bases import Base
from relatum_export.training.run import configuration, prepare_folder
from relatum_export.training.settings import TrainSettings


@pytest.fixture
def config(corpus):
    return configuration(Base("minilm", ""), [corpus], TITLE, TrainSettings())


def test_the_configuration_names_data_settings_and_versions(config, corpus):
    other = configuration(Base("minilm", ""), [corpus, corpus], TITLE, TrainSettings())

    assert config["settings"]["seed"] == 0
    assert set(config["versions"]) >= {"torch", "sentence-transformers"}
    assert config["data_sha256"] != other["data_sha256"]


def test_a_run_by_another_file_of_synonyms_is_another_run(tmp_path, corpus):
    file = tmp_path / "synonyms.txt"
    settings = TrainSettings(synonyms=file, synonym_probability=0.5)
    found = []
    for line in ("sofa, couch", "sofa, settee"):
        file.write_text(line, encoding="utf-8")
        found.append(configuration(Base("minilm", ""), [corpus], TITLE, settings)["data_sha256"])

    assert found[0] != found[1]


def test_the_same_unfinished_run_is_accepted_and_keeps_its_checkpoints(tmp_path, config):
    prepare_folder(tmp_path / "run", config, resume=True)
    (tmp_path / "run" / "checkpoints").mkdir()

    prepare_folder(tmp_path / "run", config, resume=True)

    assert (tmp_path / "run" / "checkpoints").is_dir()


def test_a_run_of_other_settings_is_refused_until_told_to_start_anew(tmp_path, config):
    prepare_folder(tmp_path / "run", config, resume=True)
    (tmp_path / "run" / "checkpoints").mkdir()
    other = config | {"settings": {"seed": 1}}

    with pytest.raises(InputError, match="--no-resume"):
        prepare_folder(tmp_path / "run", other, resume=True)
    prepare_folder(tmp_path / "run", other, resume=False)

    assert not (tmp_path / "run" / "checkpoints").exists()


def test_a_run_stopped_between_its_chosen_form_and_its_model_is_the_same_run(tmp_path, corpus):
    first = configuration(Base("minilm", ""), [corpus], None, TrainSettings())
    prepare_folder(tmp_path / "run", first, resume=True)
    last = configuration(Base("minilm", ""), [corpus], TITLE, TrainSettings())
    (tmp_path / "run" / "config.json").write_text(json.dumps(last), encoding="utf-8")

    prepare_folder(tmp_path / "run", first, resume=True)

    with pytest.raises(InputError, match="unfinished run of other"):
        prepare_folder(tmp_path / "run", last | {"text_form": {"name": "full"}}, resume=True)


def test_a_finished_run_is_not_trained_over(tmp_path, config):
    prepare_folder(tmp_path / "run", config, resume=True)
    (tmp_path / "run" / "model").mkdir()

    with pytest.raises(InputError, match="finished run"):
        prepare_folder(tmp_path / "run", config, resume=True)


def test_a_folder_of_something_else_is_never_removed(tmp_path, config):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}), encoding="utf-8")

    with pytest.raises(InputError, match="not a run"):
        prepare_folder(tmp_path, config, resume=False)

    assert (tmp_path / "config.json").exists()


def test_a_file_as_target_is_refused(tmp_path, config):
    (tmp_path / "run").write_text("", encoding="utf-8")

    with pytest.raises(InputError, match="is a file"):
        prepare_folder(tmp_path / "run", config, resume=True)
