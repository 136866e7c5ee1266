"""`evaluate` on the small shop, as a person runs it."""

import csv
import json
import subprocess
import sys

import pytest

ROW_FIELDS = [
    "name", "set", "split", "system", "measure", "value",
    "unit", "low", "high", "n", "required", "better",
]  # fmt: skip


def command(*arguments):
    line = [sys.executable, "-m", "relatum_export", *map(str, arguments)]
    return subprocess.run(line, check=False, capture_output=True, text=True)


@pytest.fixture(scope="module")
def judged(shop, tmp_path_factory):
    """The shop with two queries a split, judged: 3 for the kind of product, else 0."""
    folder = tmp_path_factory.mktemp("judged")
    with (shop / "items.csv").open(encoding="utf-8") as stream:
        items = [row["item_id"] for row in csv.DictReader(stream)]
    queries, judgments = ["query_id,query,split"], ["query_id,item_id,label,split"]
    for split, kinds in {"valid": ("mouse", "pen"), "test": ("keyboard", "monitor")}.items():
        for kind in kinds:
            queries.append(f"{kind},a new {kind},{split}")
            judgments += [f"{kind},{item},{3 * item.startswith(kind)},{split}" for item in items]
    (folder / "queries.csv").write_text("\n".join(queries) + "\n", encoding="utf-8")
    (folder / "judgments.csv").write_text("\n".join(judgments) + "\n", encoding="utf-8")
    given = [folder / "queries.csv", "--judgments", folder / "judgments.csv"]
    tables = ("--items", shop / "items.csv", "--events", shop / "events.csv", "--queries", *given)
    done = command("prepare", *tables, "--out", folder / "corpus")
    assert done.returncode == 0, done.stderr
    return folder / "corpus"


def test_every_system_is_measured_and_each_row_is_named_by_what_it_holds(
    judged, artifact, tmp_path
):
    files = ("--json", tmp_path / "m.json", "--html", tmp_path / "m.html")

    done = command("evaluate", "--corpus", judged, "--artifact", artifact, *files)

    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "m.json").read_text(encoding="utf-8"))
    assert all(list(row) == ROW_FIELDS for row in rows)
    for row in rows:
        assert row["name"] == "/".join(row[k] for k in ("set", "split", "measure", "system"))
        if row["measure"].split("/")[0] in {"coverage", "Gini"}:  # of all lists at once
            assert row["low"] is row["high"] is None
        else:
            assert row["low"] <= row["value"] <= row["high"]
    value = {row["name"].split("/", 1)[1]: row["value"] for row in rows}
    encoders = ("zero-shot", "zero-shot-title", "relatum-torch", "relatum")
    systems = (*encoders, "relatum-fp32", "relatum-fp16", "bm25")
    for system in systems:
        assert value[f"test/NDCG@10/{system}"] == pytest.approx(1)  # the kind is in the title
    assert value["test/NDCG@10/corpus/relatum"] == pytest.approx(1)
    assert value["test/NDCG@10/next-basket/own-frequency"] > 0
    assert value["test/NDCG@10/next-basket/own-frequency+valid"] > 0
    page = (tmp_path / "m.html").read_text(encoding="utf-8")
    assert "<svg" in page
    assert "http" not in page
    assert "not judged" not in page.lower()


def test_what_is_served_alone_has_the_same_figures_and_no_other_system(judged, artifact, tmp_path):
    done = command(
        *("evaluate", "--corpus", judged, "--artifact", artifact, "--served-alone"),
        *("--json", tmp_path / "m.json"),
    )
    both = command("evaluate", "--corpus", judged, "--artifact", artifact, "--json", "-")

    assert done.returncode == 0, done.stderr
    rows = {row["name"]: row for row in json.loads((tmp_path / "m.json").read_text("utf-8"))}
    beside = {row["name"]: row for row in json.loads(both.stdout)}
    assert f"{rows[next(iter(rows))]['set']}/test/NDCG@10/relatum" in rows
    assert "bm25" not in {row["system"] for row in rows.values()}
    for name, row in rows.items():
        if row["system"] == "relatum" and name in beside:
            assert row["value"] == beside[name]["value"], name


def test_a_variant_is_judged_without_the_others_and_beside_pytorch(judged, artifact):
    done = command(
        *("evaluate", "--corpus", judged, "--artifact", artifact, "--variant", "int8"),
        *("--split", "valid", "--json", "-"),
    )

    assert done.returncode == 0, done.stderr
    systems = {row["system"] for row in json.loads(done.stdout)}
    assert {"zero-shot", "relatum-torch", "relatum", "bm25"} <= systems
    assert not systems & {"relatum-fp32", "relatum-fp16"}


def test_json_on_standard_output_is_one_document_and_the_splits_can_be_chosen(judged):
    done = command("evaluate", "--corpus", judged, "--split", "valid", "--json", "-")

    assert done.returncode == 0, done.stderr
    assert {row["split"] for row in json.loads(done.stdout)} == {"valid"}


def test_a_set_that_no_protocol_judges_is_no_error_and_says_why(shop, tmp_path):
    done = command("prepare", "--items", shop / "items.csv", "--out", tmp_path / "corpus")
    assert done.returncode == 0, done.stderr

    done = command("evaluate", "--corpus", tmp_path / "corpus")

    assert done.returncode == 0, done.stderr
    assert "not judged" in done.stdout
    assert "neither queries, events" in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (("--corpus", "nowhere"), "is not a corpus"),
        (("--corpus", "{corpus}", "--base", "minlm"), "neither minilm, e5"),
        (("--corpus", "{corpus}", "--artifact", "nowhere"), "nowhere"),
        (("--corpus", "{corpus}", "--served-alone"), "--served-alone goes with --artifact"),
        (("--corpus", "{corpus}", "--variant", "int8"), "give an artifact too"),
    ],
)
def test_bad_input_gets_one_line_and_exit_code_2(judged, tmp_path, arguments, cause):
    given = [argument.format(corpus=judged) for argument in arguments]

    done = command("evaluate", *given)

    assert done.returncode == 2, done.stderr
    assert cause in done.stderr
    assert len(done.stderr.splitlines()) == 1
