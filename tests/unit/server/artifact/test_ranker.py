"""`ranker.json`: what is read, and what is refused."""

import json

import pytest

from relatum_server.artifact import read_ranker
from relatum_server.errors import ArtifactError

SOURCE = {
    "name": "transitions",
    "weight": 1.25,
    "new_weight": 0.5,
    "power": 0.5,
    "candidates": 100,
    "settings": {"step": 0.8},
}
SOUND = {"version": 1, "repeats": True, "sources": [SOURCE]}


def test_sources_keep_their_order_weights_and_settings(tmp_path):
    file = tmp_path / "ranker.json"
    second = SOURCE | {"name": "frequency", "weight": -0.5, "settings": {}}
    file.write_text(json.dumps(SOUND | {"sources": [SOURCE, second]}))

    ranker = read_ranker(file)

    assert ranker.repeats
    assert [(s.name, s.weight) for s in ranker.sources] == [
        ("transitions", 1.25),
        ("frequency", -0.5),
    ]
    assert ranker.sources[0].settings == {"step": 0.8}
    assert ranker.sources[0].candidates == 100
    assert ranker.sources[0].power == 0.5
    assert ranker.sources[0].new_weight == 0.5


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (SOUND | {"version": 2}, "version 2, and this server reads 1"),
        (SOUND | {"sources": []}, "at least one source"),
        (SOUND | {"sources": [SOURCE, SOURCE]}, "each once"),
        (SOUND | {"repeats": "yes"}, "repeats 'yes'"),
        (SOUND | {"sources": {}}, "at least one source"),
        ({"version": 1}, "KeyError"),
        ([], "not a ranker"),
        ("ranker", "not a ranker"),
    ],
)
def test_a_file_that_is_no_ranker_is_refused(tmp_path, content, expected):
    file = tmp_path / "ranker.json"
    file.write_text(json.dumps(content))

    with pytest.raises(ArtifactError) as error:
        read_ranker(file)

    assert expected in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"name": "horoscope"}, "unknown source 'horoscope'"),
        ({"weight": float("nan")}, "nan is not a finite number"),
        ({"weight": float("inf")}, "inf is not a finite number"),
        ({"weight": "1"}, "'1' is not a finite number"),
        ({"weight": None}, "None is not a finite number"),
        ({"weight": True}, "True is not a finite number"),
        ({"new_weight": float("nan")}, "nan is not a finite number"),
        ({"power": 0}, "power 0 is not above 0"),
        ({"power": float("nan")}, "nan is not a finite number"),
        ({"candidates": -1}, "candidates -1"),
        ({"candidates": 1.5}, "candidates 1.5"),
        ({"settings": {"step": float("nan")}}, "nan is not a finite number"),
        ({"settings": [1]}, "not a ranker"),
    ],
)
def test_a_source_with_a_wrong_value_is_refused(tmp_path, change, expected):
    file = tmp_path / "ranker.json"
    file.write_text(json.dumps(SOUND | {"sources": [SOURCE | change]}))

    with pytest.raises(ArtifactError) as error:
        read_ranker(file)

    assert expected in str(error.value)
