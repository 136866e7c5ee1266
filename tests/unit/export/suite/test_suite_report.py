"""The rows of all sets in one file, and what is required of them."""

from relatum_export.suite.report import merge, page, table


def row(name, value, better="higher"):
    group, split, measure, system = name.rsplit("/", 3)
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


def test_a_figure_below_what_is_required_is_marked(tmp_path):
    rows = merge(tmp_path / "all.json", {
        "product_qa": [row("product_qa/test/P@1/relatum", 0.6)],
        "bundles_food": [row("bundles_food/test/R@10/relatum", 0.3)],
    })  # fmt: skip

    marks = dict(zip(table(rows).columns[0].cells, table(rows).columns[4].cells, strict=True))

    assert marks == {
        "bundles_food/test/R@10/relatum": "reached",
        "product_qa/test/P@1/relatum": "MISSED",
    }


def test_the_page_names_no_outside_address(tmp_path):
    text = page([row("<set>/test/R@10/relatum", 0.3)])

    assert "http" not in text
    assert "&lt;set&gt;" in text
