"""Tables line up, whatever the script."""

from relatum.tables import cut, table, width


def test_chinese_characters_take_two_columns_and_combining_marks_none() -> None:
    assert width("牛奶") == 4
    assert width("e\u0301") == 1


def test_columns_line_up_across_scripts() -> None:
    lines = table(["id", "title", "n"], [("a", "牛奶", 1), ("b", "milk", 1000)]).splitlines()

    assert lines[2] == "a   牛奶       1"
    assert lines[3] == "b   milk   1,000"


def test_a_long_cell_is_cut_to_its_width_on_one_line() -> None:
    assert cut("牛" * 10, 7) == "牛牛牛…"
    assert cut("a\nb\x1b") == "a b "


def test_a_table_without_rows_is_its_header() -> None:
    assert table(["id"], []) == "id\n--"
