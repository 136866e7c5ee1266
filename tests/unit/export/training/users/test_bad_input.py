"""What `train users` refuses: one line that names the cause and the remedy, exit status 2."""

import shutil

import pytest

from relatum_export.__main__ import main
from relatum_export.errors import InputError
from relatum_export.settings_file import read_settings
from relatum_export.training.users.ranking import valid_ranking
from relatum_export.training.users.run import TrainedUsers
from relatum_export.training.users.settings import UserSettings
from relatum_export.training.users.training import train_users
from tests.unit.export.evaluation.corpora import event, write_corpus
from tests.unit.export.training.users.shops import (
    QUIET,
    ROUND_TEXT,
    SMALL,
    round_shop,
    text_of,
)


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ("layres = 2", "unknown key layres; known are average, batch_events"),
        ("dimension = 100\nheads = 3", "dimension 100 is no multiple of heads 3"),
        ('softmax = "full"\nnegatives = 10', "negatives belong to a sampled softmax"),
        ("batch_events = 10", "batch_events 10 is below max_history 50"),
        ("dropout = 1.0", "dropout"),
        ('softmax = "half"', "softmax"),
        ("layers = [", "is not TOML"),
    ],
)
def test_a_config_that_makes_no_sense_is_refused(tmp_path, config, complaint):
    file = tmp_path / "users.toml"
    file.write_text(config, encoding="utf-8")

    with pytest.raises(InputError) as refused:
        read_settings(UserSettings, file)

    assert complaint in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    corpus = round_shop(folder / "shop")
    settings = SMALL.model_copy(update={"epochs": 1})
    train_users(corpus, ROUND_TEXT, folder / "run", settings, QUIET, resume=True)
    return corpus, folder / "run"


def refused(corpus, tmp_path, text=ROUND_TEXT, settings=SMALL, **more):
    out = tmp_path / "out"
    with pytest.raises(InputError) as raised:
        train_users(corpus, text, out, settings, QUIET, resume=True, **more)
    assert not out.exists() or "checkpoints" not in {path.name for path in out.iterdir()}
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_a_corpus_without_valid_cases_is_refused(tmp_path):
    corpus = write_corpus(tmp_path / "c", ["p00", "p01"], [event("u", "p00"), event("u", "p01")])

    assert "no valid case to stop by" in refused(corpus, tmp_path)
    with pytest.raises(InputError, match="no valid case"):
        valid_ranking(corpus)


def test_a_corpus_of_single_purchases_is_refused(tmp_path):
    events = [event("u", "p00"), event("u", "p01", "valid")]
    corpus = write_corpus(tmp_path / "c", ["p00", "p01"], events)

    assert "no shopper with two events" in refused(corpus, tmp_path)


def test_times_that_are_not_there_are_refused_only_where_asked_for(run, tmp_path):
    settings = SMALL.model_copy(update={"time_gaps": "on"})

    assert "time_gaps is on" in refused(run[0], tmp_path, settings=settings)


def test_a_refit_on_another_encoder_or_corpus_is_refused(run, tmp_path):
    corpus, folder = run
    chosen = TrainedUsers.open(folder)
    other_text = text_of(list(ROUND_TEXT.vectors), encoder_id="another")
    other_corpus = round_shop(tmp_path / "other", shoppers=30)

    assert "another" in refused(corpus, tmp_path, other_text, chosen=chosen)
    assert "train on this corpus first" in refused(other_corpus, tmp_path, chosen=chosen)


def test_a_run_that_is_something_else_unfinished_or_damaged_is_refused(run, tmp_path):
    unfinished, damaged = tmp_path / "unfinished", tmp_path / "damaged"
    shutil.copytree(run[1], unfinished)
    shutil.rmtree(unfinished / "model")
    shutil.copytree(run[1], damaged)
    (damaged / "model" / "items.safetensors").write_bytes(b"\x00" * 20)

    for folder, complaint in (
        (tmp_path, "is not a run of `train users`"),
        (unfinished, "is an unfinished run"),
        (damaged, "is damaged"),
    ):
        with pytest.raises(InputError, match=complaint):
            TrainedUsers.open(folder)


def test_a_finished_run_is_not_trained_over(run, tmp_path):
    corpus, folder = run
    settings = SMALL.model_copy(update={"epochs": 1})

    with pytest.raises(InputError, match="finished run"):
        train_users(corpus, ROUND_TEXT, folder, settings, QUIET, resume=True)


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--corpus", "absent"], "absent is not a corpus"),
        (["--corpus", "absent", "--refit", "r", "--seed", "1"], "--refit takes its settings"),
        (["--corpus", "absent", "--config", "absent.toml"], "cannot read --config absent.toml"),
    ],
)
def test_the_command_ends_with_status_2_and_one_line(
    tmp_path, monkeypatch, capsys, flags, complaint
):
    monkeypatch.chdir(tmp_path)

    status = main(["train", "users", *flags, "--encoder", "minilm", "--out", "out"])

    error = capsys.readouterr().err
    assert status == 2
    assert complaint in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_the_help_shows_examples(capsys):
    assert main(["train", "users", "--help"]) == 0

    assert "runs/users" in capsys.readouterr().out
    documented = UserSettings.model_json_schema()["properties"]
    assert all(field.get("description") for field in documented.values())
