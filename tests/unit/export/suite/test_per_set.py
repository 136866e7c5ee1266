"""One model for all sets against one for each: the plan, the table, and what it is held against."""

import json
from pathlib import Path

import pytest

from relatum_export.corpus.folder import Corpus
from relatum_export.errors import InputError
from relatum_export.evaluation.rows import mean_outcome, rows_of
from relatum_export.evaluation.values import values_file, write_values
from relatum_export.suite import judging, per_set
from relatum_export.suite.plan import Folders
from relatum_export.suite.stamps import stamp_of

UNITS = [str(i) for i in range(40)]


def corpus(name, tables=("items", "bundles"), pairs=9, language="en"):
    info = {"splits": {}, "pairs": [{"kind": "co_bought", "split": "train", "pairs": pairs}]}
    sums = {f"{table}.parquet": "0" for table in tables}
    return Corpus(Path(f"corpora/{name}"), name, {language: 1.0}, {}, sums, info)


def joint_model(folders):
    encoder = folders.models / "multilingual"
    encoder.mkdir(parents=True)
    stamp_of(encoder).write_text("{}", encoding="utf-8")
    return encoder


def judged(file, *values, zero=0.1, measures=("R@10",), split="test"):
    """What `evaluate` leaves of an encoder in PyTorch; one value a unit, the last for the rest."""
    own = [*values, *[values[-1]] * (40 - len(values))]
    outcomes = [
        mean_outcome(split, system, measure, UNITS, found)
        for measure in measures
        for system, found in (("zero-shot", [zero] * 40), ("relatum-torch", own))
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    rows = [row.as_json() for row in rows_of("s", outcomes)]
    file.write_text(json.dumps(rows), encoding="utf-8")
    write_values(values_file(file), outcomes)


def compared_sets(home, **losses):
    for name, joint in losses.items():
        judged(home / name / "per-set.json", 0.5)
        judged(home / name / "joint.json", joint)


def test_every_set_with_train_pairs_that_texts_answer_has_an_encoder_of_its_own():
    sets = {
        "food": corpus("food"),
        "untaught": corpus("untaught", pairs=0),
        "qa": corpus("qa", ("queries", "candidates"), language="zh"),
        "catalogue": corpus("catalogue", ("items",)),
    }

    assert [one.name for one in per_set.compared(sets, [])] == ["food", "qa"]
    assert [one.name for one in per_set.compared(sets, ["qa"])] == ["qa"]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("foood", "no set foood in DATA; there are catalogue, untaught"),
        ("untaught", "untaught has no train pairs"),
        ("catalogue", "catalogue has no kind that texts answer"),
    ],
)
def test_a_set_that_is_not_there_teaches_nothing_or_judges_nothing_is_refused(name, line):
    sets = {
        "untaught": corpus("untaught", pairs=0),
        "catalogue": corpus("catalogue", ("items",)),
    }

    with pytest.raises(InputError, match=line):
        per_set.compared(sets, [name])
    with pytest.raises(InputError, match="no set of DATA has both train pairs and a kind"):
        per_set.compared(sets, [])


def test_the_joint_models_recipe_and_base_are_trained_on_the_set_alone(tmp_path):
    folders = Folders(tmp_path)
    joint = joint_model(folders)

    train, alone, beside = per_set.steps(corpus("food"), folders, Path("configs"), 50)

    said = dict(zip(train.arguments, train.arguments[1:], strict=False))
    assert [c for c in train.arguments if c.startswith("corpora/")] == ["corpora/food"]
    assert said["--base"] == "e5"
    assert said["--config"] == "configs/encoder-multilingual.toml"
    assert said["--max-pairs"] == "50"
    assert train.out == tmp_path / "per-set" / "food" / "encoder"
    assert str(train.out) in alone.arguments
    assert str(joint) in beside.arguments
    assert "--artifact" not in beside.arguments


def test_nothing_is_trained_before_the_joint_encoder_is_there(tmp_path):
    with pytest.raises(InputError, match=r"multilingual is not there.*run `make models` first"):
        per_set.steps(corpus("food"), Folders(tmp_path), Path("configs"), None)


def test_the_loss_is_relative_to_the_encoder_of_the_set_alone(tmp_path):
    compared_sets(tmp_path, food=0.49)

    (line,) = per_set.write_table(tmp_path, ["food"])

    assert (line.set, line.split, line.measure, line.n) == ("food", "test", "R@10", 40)
    assert line.loss.value == pytest.approx(0.02)
    assert (line.loss.low, line.loss.high) == pytest.approx((0.02, 0.02))
    assert "| food, test, R@10 | 0.5000 | 0.4900 | +2.00% [+2.00%, +2.00%] | 40 |" in (
        tmp_path / "table.md"
    ).read_text(encoding="utf-8")


def test_the_interval_of_the_loss_is_paired(tmp_path):
    own = [0.1 * (i % 10) for i in range(40)]
    judged(tmp_path / "a" / "per-set.json", *own)
    judged(tmp_path / "a" / "joint.json", *(0.9 * value for value in own))

    (line,) = per_set.write_table(tmp_path, ["a"])

    # Each unit loses a tenth: units that vary widely leave no doubt about it.
    assert (line.loss.low, line.loss.high) == pytest.approx((0.1, 0.1))


def test_rows_name_both_encoders_and_the_loss_in_the_sets_first_figure_alone(tmp_path):
    for file in ("per-set.json", "joint.json"):
        judged(tmp_path / "a" / file, 0.5, measures=("NDCG@10", "NDCG@10/corpus"))

    per_set.write_table(tmp_path, ["a"])

    found = json.loads((tmp_path / "rows.json").read_text(encoding="utf-8"))
    assert {row["name"] for row in found if "/vs-" not in row["measure"]} == {
        "a/test/NDCG@10/per-set",
        "a/test/NDCG@10/multilingual",
        "a/test/NDCG@10/corpus/per-set",
        "a/test/NDCG@10/corpus/multilingual",
        "a/test/loss/multilingual",
    }
    (loss,) = [row for row in found if row["measure"] == "loss"]
    assert loss["better"] == "lower"


def test_encoders_that_found_nothing_have_no_relative_loss(tmp_path):
    judged(tmp_path / "a" / "per-set.json", 0.0)
    judged(tmp_path / "a" / "joint.json", 0.1)

    assert per_set.write_table(tmp_path, ["a"]) == []


def test_the_rows_join_those_of_the_suite_and_each_set_is_judged(tmp_path):
    folders, home = Folders(tmp_path), tmp_path / "per-set"
    compared_sets(home, a=0.495, b=0.48)
    per_set.write_table(home, ["a", "b"])
    own = rows_of("a", [mean_outcome("test", "relatum", "R@10", UNITS, [0.6] * 40)])
    folders.suite.mkdir()
    (folders.suite / judging.ALL).write_text(
        json.dumps([row.as_json() for row in own]), encoding="utf-8"
    )

    rows, found = judging.write_page(folders)
    again, _ = judging.write_page(folders)

    losses = [one for one in found if one.label.endswith("loss/multilingual")]
    assert [(one.label, one.required, one.reached) for one in losses] == [
        ("a/test/loss/multilingual", "≤ 0.02", True),
        ("b/test/loss/multilingual", "≤ 0.02", False),
    ]
    assert {"a/test/R@10/relatum", "a/test/R@10/per-set"} <= {row["name"] for row in rows}
    assert {row["required"] for row in rows if row["measure"] == "loss"} == {0.02}
    assert again == rows
    page = (folders.suite / judging.PAGE).read_text(encoding="utf-8")
    assert "One model for all sets, or one for each" in page


def test_what_was_not_compared_is_listed_once_as_not_measured(tmp_path):
    folders = Folders(tmp_path)
    folders.suite.mkdir()
    (folders.suite / judging.ALL).write_text("[]", encoding="utf-8")

    _, found = judging.write_page(folders)

    (one,) = [one for one in found if one.label.endswith("loss/multilingual")]
    assert (one.label, one.reached) == ("each set/test/loss/multilingual", None)


def test_the_page_shows_the_table_that_was_written(tmp_path):
    folders = Folders(tmp_path)
    before = per_set.section(folders)
    compared_sets(per_set.home_of(folders), a=0.4)

    lines = per_set.write_table(per_set.home_of(folders), ["a"])

    assert before is None
    assert per_set.section(folders) == per_set.shown(lines)
