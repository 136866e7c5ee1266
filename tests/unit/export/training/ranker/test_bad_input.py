"""What `train ranker` refuses: one line that names the cause and the remedy, exit status 2."""

import json

import pytest

from relatum_export.__main__ import main
from relatum_export.errors import InputError
from relatum_export.graph.folder import write_json
from relatum_export.settings_file import read_settings
from relatum_export.training.ranker.opening import open_spaces, open_users
from relatum_export.training.ranker.requests import JudgedRequests
from relatum_export.training.ranker.settings import RankerSettings
from relatum_export.training.ranker.training import train_ranker
from relatum_export.training.users.settings import UserSettings
from relatum_export.training.users.training import train_users
from tests.unit.export.evaluation.corpora import event, write_corpus
from tests.unit.export.training.ranker.shops import QUICK, habit_shop, inputs_of
from tests.unit.export.training.users.shops import QUIET, ROUND_TEXT, SMALL, round_shop, text_of


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ("pools = 2", "unknown key pools; known are fit_cases, folds"),
        ("frequency_steps = [1.5]", "frequency_steps must lie above 0 and at most at 1"),
        ("half_lives_days = [0.0]", "half_lives_days must be above 0"),
        ("transition_windows = [0]", "transition_windows must be at least 1"),
        ("powers = []", "powers"),
        ('leave_out = ["users", "magic"]', "leave_out"),
        ("folds = 1", "folds"),
        ("pool = [", "is not TOML"),
    ],
)
def test_a_config_that_makes_no_sense_is_refused(tmp_path, config, complaint):
    file = tmp_path / "ranker.toml"
    file.write_text(config, encoding="utf-8")

    with pytest.raises(InputError) as refused:
        read_settings(RankerSettings, file)

    assert complaint in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_command_says_one_line_and_leaves_with_2(tmp_path, capsys):
    corpus = write_corpus(tmp_path / "shop", ["a", "b"])
    command = ["train", "ranker", "--corpus", str(corpus.path), "--encoder", "minilm"]

    status = main([*command, "--out", str(tmp_path / "run")])

    complaint = capsys.readouterr().err
    assert status == 2
    assert complaint.count("\n") == 1
    assert "has no next item or basket to rank for" in complaint
    assert not (tmp_path / "run").exists()


def test_a_folder_of_something_else_is_not_overwritten(tmp_path, capsys):
    corpus = habit_shop(tmp_path / "shop")
    out = tmp_path / "run"
    out.mkdir()
    (out / "notes.txt").write_text("mine", encoding="utf-8")
    command = ["train", "ranker", "--corpus", str(corpus.path), "--encoder", "minilm"]

    status = main([*command, "--out", str(out), "--force"])

    assert status == 2
    assert "is not empty and is not a ranker" in capsys.readouterr().err
    assert (out / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_an_empty_valid_split_is_refused(tmp_path):
    events = [event(f"u{i}", item, position=j) for i in range(3) for j, item in enumerate("ab")]
    corpus = write_corpus(tmp_path, ["a", "b"], events)

    with pytest.raises(InputError, match="has no valid case to fit weights on"):
        JudgedRequests.read(corpus)


def test_leaving_every_source_out_is_refused(tmp_path):
    names = ("transitions", "copurchase", "popularity", "text")
    settings = QUICK.model_copy(update={"leave_out": names})
    inputs = inputs_of(round_shop(tmp_path / "shop"), settings)

    with pytest.raises(InputError, match="leaves no source"):
        train_ranker(inputs, ROUND_TEXT, tmp_path / "run", QUIET)

    assert not (tmp_path / "run").exists()


def test_cases_of_which_no_source_knows_anything_are_refused(tmp_path):
    events = [event("u1", "a", position=0), event("u1", "b", "valid", position=1)]
    settings = QUICK.model_copy(update={"leave_out": ("text",)})
    inputs = inputs_of(write_corpus(tmp_path / "shop", ["a", "b"], events), settings)

    with pytest.raises(InputError, match="nothing to fit weights on"):
        train_ranker(inputs, text_of(("a", "b")), tmp_path / "run", QUIET)

    assert [path.name for path in tmp_path.iterdir()] == ["shop"]


@pytest.fixture(scope="module")
def users(tmp_path_factory):
    folder = tmp_path_factory.mktemp("users")
    corpus = round_shop(folder / "shop")
    settings: UserSettings = SMALL.model_copy(update={"epochs": 1})
    train_users(corpus, ROUND_TEXT, folder / "run", settings, QUIET, resume=True)
    return corpus, folder / "run"


def test_a_user_encoder_of_another_text_encoder_is_refused(users):
    corpus, run = users
    other = text_of(list(ROUND_TEXT.vectors), encoder_id="another")

    with pytest.raises(InputError, match="was trained on the vectors of encoder given"):
        open_users(run, corpus, other)


def test_a_user_encoder_of_another_corpus_is_refused(users, tmp_path):
    _, run = users
    other = round_shop(tmp_path / "shop", shoppers=39)

    with pytest.raises(InputError, match="was made of other data"):
        open_users(run, other, ROUND_TEXT)


def test_a_fitting_user_encoder_becomes_a_source(users, tmp_path):
    corpus, run = users
    inputs = inputs_of(corpus)
    inputs = type(inputs)(
        inputs.corpus,
        inputs.judged,
        inputs.settings,
        inputs.text,
        open_users(run, corpus, ROUND_TEXT),
        {},
    )

    metrics = train_ranker(inputs, ROUND_TEXT, tmp_path / "run", QUIET)

    assert metrics["sources"]["users"]["alone"] > 0.0
    config = json.loads((tmp_path / "run" / "config.json").read_text(encoding="utf-8"))
    assert config["users_id"] == open_users(run, corpus, ROUND_TEXT).identity()


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"encoder_id": "another"}, "was built with encoder another"),
        ({"data_sha256": "another"}, "was made of other data"),
        ({"format": "another"}, "is not a graph"),
    ],
)
def test_a_graph_that_does_not_fit_is_refused(tmp_path, changed, complaint):
    corpus = round_shop(tmp_path / "shop")
    config = {"format": "relatum-graph", "encoder_id": "given", "data_sha256": corpus.fingerprint}
    folder = tmp_path / "graph"
    folder.mkdir()
    write_json({**config, **changed}, folder / "config.json")
    write_json({}, folder / "metrics.json")

    with pytest.raises(InputError, match=complaint):
        open_spaces(folder, corpus, ROUND_TEXT)
