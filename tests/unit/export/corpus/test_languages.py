"""Languages by script where the source names none."""

import pytest

from relatum_export.corpus.languages import detect, language_of, shares


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("wireless mouse", "en"),
        ("无线鼠标 2.4G wireless", "zh"),
        ("ワイヤレス マウス", "ja"),
        ("日本製の水筒 500ml", "ja"),
        ("беспроводная мышь", "ru"),
        ("무선 마우스", "ko"),
        ("12345", "und"),
        ("", "und"),
        ("A mug that says 茶 on its side", "en"),
    ],
)
def test_a_text_is_of_the_language_of_its_script(text: str, code: str) -> None:
    assert detect(text) == code


@pytest.mark.parametrize(
    ("given", "code"), [("de", "de"), ("zh-CN", "zh"), ("mul", "en"), (None, "en"), ("", "en")]
)
def test_the_given_code_counts_unless_it_names_no_single_language(
    given: str | None, code: str
) -> None:
    assert language_of(given, "Tasse") == code


def test_shares_are_largest_first() -> None:
    assert list(shares(["en", "zh", "zh", "zh"]).items()) == [("zh", 0.75), ("en", 0.25)]
