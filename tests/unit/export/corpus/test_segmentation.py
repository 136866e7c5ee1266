"""Words as the lexical index has them."""

from relatum_export.corpus.segmentation import words


def test_words_are_lower_case_and_a_number_stands_apart_from_its_unit():
    assert words("\uff2dilk 14.5OZ, Big-Box") == ["milk", "14.5", "oz", "big", "box"]


def test_a_chinese_run_gives_its_words_the_shorter_ones_inside_and_single_characters():
    found = words("红色连衣裙")

    assert "连衣裙" in found
    assert {"红", "裙"} <= set(found)
