"""A shop's synonyms: what a file may say, and what they do to a query."""

import pytest

from relatum_export.errors import InputError
from relatum_export.training.encoder_recipe.noise import Noise
from relatum_export.training.encoder_recipe.synonyms import Synonyms
from relatum_export.training.settings import TrainSettings
from tests.unit.export.training.encoder_recipe.pair_sources import seeded


def test_a_line_is_a_group_and_remarks_are_none(tmp_path):
    file = tmp_path / "synonyms.txt"
    file.write_text("# of furniture\nSofa, couch , \n\ncell phone,mobile\n", encoding="utf-8")

    assert Synonyms.read(file).groups == (("sofa", "couch"), ("cell phone", "mobile"))


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"sofa, couch\nlamp\n", "line 2: give two words"),
        (b"lamp, Lamp\n", "line 1: give two words"),
        (b"\xff\xfe\x00", "cannot read the synonyms"),
    ],
)
def test_a_file_that_says_nothing_of_a_word_is_refused(content, cause, tmp_path):
    file = tmp_path / "synonyms.txt"
    file.write_bytes(content)

    with pytest.raises(InputError, match=cause):
        Noise.of(TrainSettings(synonyms=file, synonym_probability=0.5))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("red Sofa bed", "red couch bed"),
        ("a couch", "a sofa"),
        ("sofas", "sofas"),
        ("新款手机壳", "新款移动电话壳"),
        ("lamp", "lamp"),
    ],
)
def test_a_whole_word_is_replaced_and_a_part_of_one_is_not(query, expected):
    synonyms = Synonyms((("sofa", "couch"), ("手机", "移动电话")))

    assert synonyms.swap(query, seeded()) == expected


def test_queries_are_reworded_as_often_as_asked():
    synonyms = Synonyms((("sofa", "couch"),))
    always, never = (Noise(0.0, 0.0, 0.0, often, synonyms) for often in (1.0, 0.0))

    assert always.query("sofa", seeded()) == "couch"
    assert never.query("sofa", seeded()) == "sofa"
