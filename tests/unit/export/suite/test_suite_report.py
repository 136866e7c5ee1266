"""The rows of all sets in one file, and the page over them."""

import io
import json

from rich.console import Console

from relatum_export.suite.report import Beside, merge, page, steps, table, write_verdicts
from relatum_export.suite.verdicts import Verdict


def row(name, value, better="higher"):
    group, split, rest = name.split("/", 2)
    measure, system = rest.rsplit("/", 1)
    return {
        "name": name, "set": group, "split": split, "system": system, "measure": measure,
        "value": value, "unit": None, "low": value - 0.01, "high": value + 0.01, "n": 10,
        "required": None, "better": better,
    }  # fmt: skip


def test_sets_judged_now_replace_their_rows_and_others_stay(tmp_path):
    file = tmp_path / "all.json"
    merge(file, {"a": [row("a/test/R@10/relatum", 0.1)], "b": [row("b/test/R@10/relatum", 0.2)]})

    rows = merge(file, {"b": [row("b/test/R@10/relatum", 0.3)]})

    assert [(r["set"], r["value"]) for r in rows] == [("a", 0.1), ("b", 0.3)]


def test_rows_carry_what_is_required_of_a_figure_and_of_a_difference(tmp_path):
    judged = {
        "amazon_office": [
            row("amazon_office/test/NDCG@10/relatum", 0.1),
            row("amazon_office/test/NDCG@10/vs-transitions/relatum", 0.01),
            row("amazon_office/test/NDCG@10/vs-ease/relatum", 0.01),
        ]
    }

    rows = merge(tmp_path / "all.json", judged)

    assert [r["required"] for r in rows] == [0.121, 0.0, None]


def test_the_table_tells_missed_reached_wanted_and_not_measured_apart():
    found = [
        Verdict("a", 0.5, 0.4, 0.6, "≥ 0.6", "≥ 0.7", reached=False),
        Verdict("b", 0.65, 0.6, 0.7, "≥ 0.6", "≥ 0.7", reached=True),
        Verdict("c", 0.75, 0.7, 0.8, "≥ 0.6", "≥ 0.7", reached=True, has_wanted=True),
        Verdict("d", None, None, None, "≥ 0.6"),
    ]

    columns = table(found).columns
    marks = dict(zip(columns[0].cells, columns[5].cells, strict=True))

    assert marks == {"a": "MISSED", "b": "reached", "c": "wanted", "d": "not measured"}


def test_in_80_columns_no_name_is_cut_short():
    label = "amazon_beauty/test/NDCG@10/vs-transitions+valid/relatum+valid"
    verdict = Verdict(label, 0.5, 0.4, 0.6, "> 0, CI too", "≥ 0.062", reached=True)
    tables = [table([verdict]), Beside("Seeds", "", ("figure", "mean"), [(label * 2, "1")]).table()]

    shown = []
    for one in tables:
        out = io.StringIO()
        Console(width=80, file=out).print(one)
        _title, _heads, *lines = out.getvalue().splitlines()
        shown.append("".join(line.split()[0] for line in lines))

    assert shown == [label, label * 2]


def test_the_page_names_no_outside_address_and_leaves_slices_to_the_sets_own():
    rows = [
        row("<set>/test/R@10/relatum", 0.3),
        row("<set>/test/R@10/zero-shot", 0.25),
        row("<set>/test/R@10/vs-zero-shot/relatum", 0.05),
        row("<set>/test/R@10/category-Tea/relatum", 0.2),
        row("<set>/test/R@10/category-Tea/vs-zero-shot/relatum", 0.2),
    ]

    text = page(rows, [Verdict("<figure>", 0.3, 0.2, 0.4, "≥ 0.2", reached=True)])

    assert "http" not in text
    assert "<script" not in text
    assert "&lt;set&gt;" in text
    assert "&lt;figure&gt;" in text
    assert "category-Tea" not in text
    assert "+0.0500 [0.0400, 0.0600]" in text


def test_before_and_after_is_of_test_where_a_set_has_both_splits():
    rows = [
        row(f"s/{split}/NDCG@10/{rest}", value)
        for split in ("valid", "test")
        for rest, value in (("zero-shot", 0.2), ("relatum", 0.3), ("vs-zero-shot/relatum", 0.1))
    ]

    assert [step.label for step in steps(rows)] == ["s, test, NDCG@10"]


def test_the_verdicts_are_there_for_programs_too(tmp_path):
    write_verdicts(tmp_path / "required.json", [Verdict("a", None, None, None, "> 0, CI too")])

    (found,) = json.loads((tmp_path / "required.json").read_text(encoding="utf-8"))

    assert (found["label"], found["reached"], found["required"]) == ("a", None, "> 0, CI too")


def test_what_other_commands_came_to_stands_inside_the_page():
    seeds = Beside("Seeds", "Mean.", ("figure", "mean"), [("<a>|b", "0.1")])

    text = page([row("s/test/R@10/relatum", 0.3)], [], [seeds])

    assert text.index("&lt;a&gt;|b") < text.index("</html>")
    assert text.rstrip().endswith("</html>")
    assert "| <a>\\|b | 0.1 |" in seeds.markdown()
