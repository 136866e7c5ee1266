"""The figures of the model card, made from rows."""

import json

import pytest

from relatum_export.errors import InputError
from relatum_export.suite.card import BEGIN, END, figures, trained, write_card


def row(measure, value, system="relatum", group="shop", split="test", better="higher"):
    return {
        "name": f"{group}/{split}/{measure}/{system}", "set": group, "split": split,
        "system": system, "measure": measure, "value": value, "unit": None, "low": value - 0.01,
        "high": value + 0.01, "n": 1200, "required": None, "better": better,
    }  # fmt: skip


ROWS = [
    row("NDCG@10", 0.8),
    row("NDCG@10", 0.7, system="zero-shot"),
    row("NDCG@10", 0.123, split="valid"),
    row("NDCG@10/category-Lamps", 0.85),
    row("NDCG@10/category-Mugs|Cups", 0.6),
    row("NDCG@10/category-Lamps/vs-zero-shot", 0.02),
    row("NDCG@10/words-2-3", 0.77),
    row("NDCG@10/lang-ja", 0.75),
    row("ECE", 0.05, better="lower"),
    row("ECE/category-Lamps", 0.02, better="lower"),
    row("ECE/category-Pens", 0.09, better="lower"),
]


def test_each_set_language_and_category_stands_with_its_interval_and_the_base():
    text = figures(ROWS)

    assert "| shop | NDCG@10 | 0.800 | 0.790 .. 0.810 | 1,200 | 0.700 |" in text
    assert "| shop | ja | NDCG@10 | 0.750 |" in text
    assert "| shop | Lamps | NDCG@10 | 0.850 |" in text
    assert "0.123" not in text  # valid chose, so it proves nothing


def test_differences_and_other_slices_are_left_to_the_report():
    text = figures(ROWS)

    assert "vs-" not in text
    assert "words-2-3" not in text


def test_the_worst_category_is_the_lowest_or_where_lower_is_better_the_highest():
    worst = figures(ROWS).partition("### Worst category")[2]

    assert "| shop | NDCG@10 | Mugs\\|Cups | 0.600 | 0.800 |" in worst
    assert "| shop | ECE | Pens | 0.090 | 0.050 |" in worst


def test_the_block_is_replaced_and_the_prose_around_it_stays(tmp_path):
    card, rows = tmp_path / "card.md", tmp_path / "all.json"
    card.write_text(f"# Card\n\n{BEGIN}\nold\n{END}\n\nLimits.\n", encoding="utf-8")
    rows.write_text(json.dumps(ROWS), encoding="utf-8")

    write_card(card, rows, tmp_path)
    write_card(card, rows, tmp_path)

    text = card.read_text(encoding="utf-8")
    assert text.startswith(f"# Card\n\n{BEGIN}\n\n### Sets")
    assert text.endswith(f"{END}\n\nLimits.\n")
    assert "old" not in text
    assert text.count("### Sets") == 1


def test_a_head_is_said_to_rest_on_the_sources_of_its_labels(tmp_path):
    run = tmp_path / "en-pairs"
    run.mkdir()
    (run / "config.json").write_text(json.dumps({"encoder": "en", "corpora": ["a", "b"]}))
    sources = {"same": {"people": 1200}, "substitute": {"behaviour": 30}}
    (run / "metrics.json").write_text(json.dumps({"label_sources": sources}))

    begun = tmp_path / "multilingual"
    begun.mkdir()
    (begun / "config.json").write_text(json.dumps({"base": "e5", "corpora": ["a"]}))

    text = trained(tmp_path)

    assert "multilingual" not in text
    line = "| en-pairs | en | a, b | same: 1,200 by people; substitute: 30 by behaviour |"
    assert line in text
    assert trained(tmp_path / "nothing") == ""


@pytest.mark.parametrize(
    ("card", "rows", "cause"),
    [
        ("# Card\n", json.dumps(ROWS), "lacks its markers"),
        (f"{BEGIN}\n{END}\n", "[]", "run `make evaluate` first"),
        (f"{BEGIN}\n{END}\n", "{", "needs itself and the rows"),
    ],
)
def test_what_cannot_be_written_is_named_and_the_card_stays(tmp_path, card, rows, cause):
    file, rows_file = tmp_path / "card.md", tmp_path / "all.json"
    file.write_text(card, encoding="utf-8")
    rows_file.write_text(rows, encoding="utf-8")

    with pytest.raises(InputError, match=cause):
        write_card(file, rows_file, tmp_path)

    assert file.read_text(encoding="utf-8") == card
