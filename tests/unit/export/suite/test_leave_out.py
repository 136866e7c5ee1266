"""Leaving one set out: the plan and the table."""

import json
from pathlib import Path

import pytest

from relatum_export.corpus.folder import Corpus
from relatum_export.errors import InputError
from relatum_export.evaluation.rows import mean_outcome, rows_of
from relatum_export.evaluation.values import values_file, write_values
from relatum_export.suite import leave_out
from relatum_export.suite.plan import Folders
from relatum_export.suite.stamps import stamp_of

UNITS = [str(i) for i in range(40)]


def corpus(name, tables=("items", "bundles"), pairs=9):
    info = {"splits": {}, "pairs": [{"kind": "co_bought", "split": "train", "pairs": pairs}]}
    sums = {f"{table}.parquet": "0" for table in tables}
    return Corpus(Path(f"corpora/{name}"), name, {"en": 1.0}, {}, sums, info)


def shipped(folders):
    encoder = folders.models / "en"
    encoder.mkdir(parents=True)
    stamp_of(encoder).write_text("{}", encoding="utf-8")


def judged(file, split="valid", **systems):
    """What `evaluate` leaves of one measure."""
    outcomes = [
        mean_outcome(split, name.replace("_", "-"), "R@10", UNITS, [value] * 40)
        for name, value in systems.items()
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    rows = [row.as_json() for row in rows_of("s", outcomes)]
    file.write_text(json.dumps(rows), encoding="utf-8")
    write_values(values_file(file), outcomes)


def test_the_smallest_set_of_each_kind_with_train_pairs_is_left_out():
    sets = {
        "big": corpus("big", pairs=90),
        "food": corpus("food", pairs=9),
        "untaught": corpus("untaught", pairs=0),
        "qa": corpus("qa", ("queries", "candidates"), pairs=99),
    }

    found = leave_out.left_out(sets, [])

    assert [one.name for one in found] == ["food", "qa"]


def test_a_set_that_is_not_there_or_teaches_nothing_is_refused():
    sets = {"food": corpus("food"), "untaught": corpus("untaught", pairs=0)}

    with pytest.raises(InputError, match="no set foood in DATA; there are food, untaught"):
        leave_out.left_out(sets, ["foood"])
    with pytest.raises(InputError, match="untaught has no train pairs"):
        leave_out.left_out(sets, ["untaught"])


def test_the_encoder_is_trained_on_every_other_set_and_judged_beside_the_shipped_one(tmp_path):
    folders, sets = Folders(tmp_path), {name: corpus(name) for name in ("a", "b", "c")}
    shipped(folders)

    train, without, beside = leave_out.steps(sets["b"], sets, folders, Path("configs"), 50)

    assert [c for c in train.arguments if c.startswith("corpora/")] == ["corpora/a", "corpora/c"]
    assert train.arguments[train.arguments.index("--max-pairs") + 1] == "50"
    assert train.out == tmp_path / "leave-one-out" / "b" / "encoder"
    assert str(train.out) in without.arguments
    assert str(folders.models / "en") in beside.arguments
    assert {"corpora/b"} == {a for a in without.arguments if a.startswith("corpora/")}
    assert "--artifact" not in without.arguments


def test_nothing_is_trained_before_the_shipped_encoder_is_there(tmp_path):
    sets = {name: corpus(name) for name in ("a", "b")}

    with pytest.raises(InputError, match="run `make models` first"):
        leave_out.steps(sets["a"], sets, Folders(tmp_path), Path("configs"), None)


def test_the_only_set_cannot_be_left_out(tmp_path):
    sets = {"a": corpus("a")}

    with pytest.raises(InputError, match="without a no set is left to train on"):
        leave_out.steps(sets["a"], sets, Folders(tmp_path), Path("configs"), None)


def test_the_table_sets_both_encoders_against_the_better_form_of_zero_shot(tmp_path):
    home = tmp_path / "leave-one-out"
    zero = {"zero_shot": 0.1, "zero_shot_title": 0.2}
    for name, own in (("a", 0.5), ("b", 0.3)):
        judged(home / name / "without.json", **zero, relatum_torch=own)
        judged(home / name / "shipped.json", **zero, relatum_torch=0.6)

    lines = leave_out.write_table(home, ["a", "b"])

    assert [(one.set, one.measure) for one in lines] == [
        ("a", "R@10"),
        ("b", "R@10"),
        ("pooled", ""),
    ]
    assert [one.gain.value for one in lines] == pytest.approx([0.3, 0.1, 0.2])
    assert lines[2].shipped_gain.value == pytest.approx(0.4)
    assert "| a, valid, R@10 | 0.2000 | 0.5000 | 0.6000 | +0.3000" in (home / "table.md").read_text(
        encoding="utf-8"
    )


def test_the_page_shows_the_table_that_was_written(tmp_path):
    home, folders = tmp_path / "leave-one-out", Folders(tmp_path)
    before = leave_out.section(folders)
    for file in ("without.json", "shipped.json"):
        judged(home / "a" / file, zero_shot=0.1, relatum_torch=0.2)

    lines = leave_out.write_table(home, ["a"])

    assert before is None
    assert leave_out.section(folders) == leave_out.shown(lines)
