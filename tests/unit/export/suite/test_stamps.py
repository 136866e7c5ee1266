"""Steps that run once for what they depend on."""

import json

import pytest

from relatum_export.console import Reporter
from relatum_export.suite.stamps import (
    Step,
    StepError,
    is_finished,
    replacing,
    run,
    started_of,
)


@pytest.fixture
def items(tmp_path):
    file = tmp_path / "items.csv"
    file.write_text("item_id,title\na,red lamp\nb,blue lamp\n", encoding="utf-8")
    return file


def prepare(items, out):
    line = ("prepare", "--items", str(items), "--out", str(out))
    return Step("shop/prepare", line, out, (items,), ("--force",))


def test_a_step_runs_again_only_when_an_input_changed(items, tmp_path):
    step = prepare(items, tmp_path / "corpus")
    run([step], tmp_path / "logs", Reporter())
    first = (tmp_path / "corpus" / "corpus.json").stat().st_mtime_ns

    run([step], tmp_path / "logs", Reporter())
    kept = (tmp_path / "corpus" / "corpus.json").stat().st_mtime_ns
    items.write_text("item_id,title\na,red lamp\n", encoding="utf-8")
    run([step], tmp_path / "logs", Reporter())

    assert kept == first
    counts = json.loads((tmp_path / "corpus" / "corpus.json").read_text(encoding="utf-8"))["counts"]
    assert counts["items"] == 1


def test_a_step_that_fails_says_why_and_leaves_no_stamp(items, tmp_path):
    items.write_text("title\nred lamp\n", encoding="utf-8")
    step = prepare(items, tmp_path / "corpus")

    with pytest.raises(StepError, match=r"shop/prepare ended with 2: .*item_id") as refused:
        run([step], tmp_path / "logs", Reporter())

    assert refused.value.exit_status == 2
    assert not is_finished(step.out)
    assert not started_of(step.out).exists()


@pytest.mark.parametrize(
    ("replace", "started", "flags"),
    [
        ("--no-resume", "the same", ()),
        ("--no-resume", "others", ("--no-resume",)),
        ("--no-resume", None, ("--no-resume",)),
        ("--force", "the same", ("--force",)),
    ],
)
def test_a_killed_training_goes_on_while_it_depends_on_the_same(tmp_path, replace, started, flags):
    step = Step("shop/users", ("train",), tmp_path / "users", (), (replace,))
    step.out.mkdir()
    if started is not None:
        started_of(step.out).write_text(started, encoding="utf-8")

    assert replacing(step, "the same") == flags


def test_what_is_not_there_is_not_replaced(tmp_path):
    step = Step("shop/users", ("train",), tmp_path / "users", (), ("--force",))

    assert replacing(step, "the same") == ()


def test_the_key_follows_arguments_and_inputs(items, tmp_path):
    step = prepare(items, tmp_path / "corpus")
    other = Step(step.name, (*step.arguments, "--name", "x"), step.out, step.inputs)
    before = step.key()
    items.write_text("item_id,title\na,red lamp\n", encoding="utf-8")

    assert len({before, other.key(), step.key()}) == 3


def test_a_folder_of_everything_that_moved_keeps_its_keys(tmp_path):
    keys = set()
    for name in ("build", "elsewhere"):
        home = tmp_path / name
        home.mkdir()
        (home / "items.csv").write_text("item_id,title\na,red lamp\n", encoding="utf-8")
        line = ("export", "--corpus", str(home / "items.csv"), "--cache", str(home / "cache"))
        step = Step("s", (*line, "--out", str(home / "o")), home / "o", (home / "items.csv",))
        keys.add(step.key())

    assert len(keys) == 1


def test_an_input_that_is_missing_is_an_error(items, tmp_path):
    step = prepare(tmp_path / "nothing", tmp_path / "corpus")

    with pytest.raises(StepError, match="is missing"):
        step.key()
