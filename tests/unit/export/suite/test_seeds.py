"""Mean and spread over seeds."""

import json

import pytest

from relatum_export.errors import InputError
from relatum_export.suite.__main__ import main
from relatum_export.suite.plan import Folders
from relatum_export.suite.seeds import section, seed_rows, seeds_file, write_seeds


def judged(build, seed, **values):
    file = Folders(build, seed).suite / "all.json"
    file.parent.mkdir(parents=True)
    rows = [
        {
            "name": f"shop/valid/{measure}/relatum",
            "set": "shop",
            "split": "valid",
            "measure": measure,
            "system": "relatum",
            "value": value,
        }
        for measure, value in values.items()
    ]
    file.write_text(json.dumps(rows), encoding="utf-8")


def test_a_figure_of_every_seed_gets_mean_and_spread(tmp_path):
    judged(tmp_path, 0, MRR=0.1, F1=0.5)
    judged(tmp_path, 1, MRR=0.3)

    (row,) = seed_rows(tmp_path, 2)

    assert row["value"] == pytest.approx(0.2)
    assert row["spread"] == pytest.approx(0.1414, abs=1e-4)
    assert row["seeds"] == [0.1, 0.3]


def test_the_page_has_the_seeds_once_they_are_written(tmp_path):
    judged(tmp_path, 0, MRR=0.1)
    judged(tmp_path, 1, MRR=0.3)
    before = section(tmp_path)

    write_seeds(tmp_path, 2)

    shown = section(tmp_path)
    assert before is None
    assert shown is not None
    assert [line[0] for line in shown.lines] == ["shop/valid/MRR/relatum"]
    assert seeds_file(tmp_path).is_file()


def test_a_seed_that_was_not_judged_is_named(tmp_path):
    judged(tmp_path, 0, MRR=0.1)

    with pytest.raises(InputError, match=r"suite-seed1/all\.json is not there; run `make seeds`"):
        seed_rows(tmp_path, 2)


def test_seeds_are_refused_before_any_training_where_the_first_was_not_judged(tmp_path, capsys):
    status = main(["seeds", "--data", str(tmp_path), "--build", str(tmp_path / "build")])

    assert status == 2
    assert "run `make evaluate` first" in capsys.readouterr().err
