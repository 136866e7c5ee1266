"""The half-depth student: on which sets it is measured, and how its figures join the others."""

import json
from pathlib import Path

import pytest

from relatum_export.console import Reporter
from relatum_export.corpus.folder import Corpus
from relatum_export.errors import InputError
from relatum_export.suite import judging, student
from relatum_export.suite.plan import Folders
from relatum_export.suite.required import REQUIREMENTS, STUDENT
from relatum_export.suite.verdicts import verdicts
from relatum_export.training.compression.table import Default, Form, write_table

CONFIGS = Path("configs")


def corpus(name, tables, *, valid=9, language="en"):
    splits = {
        table: {"train": 9, "valid": valid, "test": 9}
        for table in tables
        if table in {"queries", "bundles"}
    }
    sums = {f"{table}.parquet": "0" for table in tables}
    info = {"splits": splits, "pairs": []}
    return Corpus(Path(f"corpora/{name}"), name, {language: 1.0}, {}, sums, info)


SETS = {
    "food": corpus("food", ("items", "bundles")),
    "qa": corpus("qa", ("queries", "candidates")),
}


def form(model, speed, loss):
    return Form(
        model=model,
        layers=3,
        precision="int8-static",
        megabytes=9.0,
        ms_a_title=1.0,
        titles_per_s=400 * speed,
        speed=speed,
        ranking=0.5,
        loss=loss,
        loss_low=loss - 0.001,
        loss_high=loss + 0.001,
        units=300,
        neighbours=0.8,
        batch_short=0.0,
        batch_long=0.0,
    )


def test_the_shipped_english_encoder_is_compressed_on_every_english_set_that_ranks_by_text():
    others = {
        "replies": corpus("replies", ("queries", "candidates"), language="zh"),
        "unchosen": corpus("unchosen", ("items", "bundles"), valid=0),
        "catalogue": corpus("catalogue", ("items",)),
    }

    (step,) = student.steps(SETS | others, Folders(Path("build"), seed=2), CONFIGS)

    given = [word for word in step.arguments if word.startswith("corpora/")]
    assert step.arguments[0] == "compress"
    assert given == ["corpora/food", "corpora/qa"]
    assert step.arguments[step.arguments.index("--encoder") + 1] == "build/models-seed2/en"
    assert step.arguments[step.arguments.index("--seed") + 1] == "2"
    assert step.out == Path("build/models-seed2/en-half")
    assert set(step.inputs) >= {Path("build/models-seed2/en"), CONFIGS / "student-en.toml"}


@pytest.mark.parametrize(
    "sets",
    [
        {"food": SETS["food"]},
        {"qa": SETS["qa"], "more": corpus("more", ("queries", "candidates"))},
    ],
)
def test_one_set_alone_and_sets_without_products_measure_no_student(sets):
    assert student.steps(sets, Folders(Path("build")), CONFIGS) == []


def test_the_table_of_compress_is_held_against_what_is_required_of_the_student(tmp_path):
    folders = Folders(tmp_path)
    out = student.home_of(folders)
    out.mkdir(parents=True)
    forms = [form("teacher", 1.0, 0.001), form("half", 1.9, 0.012)]
    write_table(out, forms, Default(forms[1], "the fastest"), ["food", "qa"])
    asked = [one for one in REQUIREMENTS if getattr(one, "name", "").endswith(STUDENT)]

    found = verdicts(student.rows(folders), folders.suite, asked)

    assert {one.label: (one.value, one.required, one.wanted) for one in found} == {
        "pooled/valid/titles/s/vs-teacher/student-half": (1.9, "≥ 1.8", "≥ 2"),
        "pooled/valid/loss/student-half": (0.012, "≤ 0.015", "≤ 0.01"),
    }
    assert [(one.reached, one.has_wanted) for one in found] == [(True, False)] * 2


def test_no_set_takes_the_name_of_all_together(tmp_path):
    (tmp_path / "pooled").mkdir()
    (tmp_path / "pooled" / "items.parquet").write_bytes(b"")

    with pytest.raises(InputError, match="give that set another name"):
        judging.corpora_of(tmp_path, Folders(tmp_path / "build"), Reporter(), None)


def test_a_damaged_table_is_named(tmp_path):
    folders = Folders(tmp_path)
    out = student.home_of(folders)
    out.mkdir(parents=True)
    (out / "table.json").write_text(json.dumps({"forms": []}), encoding="utf-8")

    with pytest.raises(InputError, match=r"table\.json cannot be read"):
        student.rows(folders)
