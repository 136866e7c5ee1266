"""`evaluate` answers next baskets by the artifact's ranker, as a person runs it."""

import json

import pytest

from relatum_export.__main__ import main


def command(*arguments: object) -> int:
    """The exit status of a command, run in this process: a start takes longer than its work."""
    return main([str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def rows(corpus, full, runs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("judged")
    on = ("--corpus", corpus, "--encoder", "minilm", "--cache", runs / "cache")
    refit = ("train", "users", *on, "--refit", runs / "users", "--out", folder / "refit")
    assert command(*refit) == 0
    given = ("--users", runs / "users", "--refit-users", folder / "refit")
    judged = ("evaluate", "--corpus", corpus, "--artifact", full, *given)
    assert command(*judged, "--cache", runs / "cache", "--json", folder / "rows.json") == 0
    found = json.loads((folder / "rows.json").read_text(encoding="utf-8"))
    return {f"{row['split']}/{row['measure']}/{row['system']}": row for row in found}


def test_the_artifact_pytorch_and_the_refit_each_have_rows(rows):
    for split in ("valid", "test"):
        assert {f"{split}/NDCG@10/{system}" for system in ("relatum", "relatum-torch")} <= set(rows)
    assert "test/NDCG@10/relatum+valid" in rows
    assert "valid/NDCG@10/relatum+valid" not in rows


def test_the_artifact_agrees_with_pytorch(rows):
    own, torch = (rows[f"test/NDCG@10/{name}"]["value"] for name in ("relatum", "relatum-torch"))

    assert own == pytest.approx(torch, rel=0.005)
    assert own > rows["test/NDCG@10/popularity"]["value"]


def test_a_difference_to_each_simple_system_has_an_interval(rows):
    for other in ("own-frequency", "own-frequency-mix", "popularity-7d"):
        difference = rows[f"test/NDCG@10/vs-{other}/relatum"]
        assert difference["low"] <= difference["value"] <= difference["high"]


@pytest.mark.parametrize(
    ("given", "cause"),
    [
        (("--artifact", "artifact", "--users", "users"), "recommends by no user encoder"),
        (("--artifact", "full", "--refit-users", "users"), "was fitted on train; give a run"),
        (("--users", "users"), "give --artifact"),
    ],
)
def test_a_run_that_the_artifact_was_not_made_of_is_refused(
    corpus, full, artifact, runs, capsys, given, cause
):
    folders = {"artifact": artifact, "full": full, "users": runs / "users"}

    status = command(
        *("evaluate", "--corpus", corpus, "--split", "valid"),
        *(folders.get(one, one) for one in given),
    )

    assert status == 2
    assert cause in " ".join(capsys.readouterr().err.split())
