"""The checker of histories finds what is planted, and nothing in what can have happened."""

import math
import random

import pytest

from tests.bench.faults.history import NOTHING, History, Operation, violations


def write(value, begin, end):
    return Operation("k", value, True, begin, end)


def read(value, begin, end):
    return Operation("k", value, False, begin, end)


@pytest.mark.parametrize(
    "operations",
    [
        [],
        [read(NOTHING, 0, 1), write("a", 2, 3), read("a", 4, 5)],
        [write("a", 0, 1), write("b", 2, 9), read("a", 3, 4), read("b", 5, 6)],
        [write("a", 0, 9), write("b", 0, 9), read("b", 1, 2), read("a", 3, 4)],
        [write("a", 0, 1), write("b", 2, math.inf), read("a", 3, 4), read("b", 5, 6)],
        [write("a", 0, 1), write("b", 2, math.inf), read("a", 3, 4), read("a", 5, 6)],
        [write("a", 0, 1), write("b", 2, 3), write("c", 2, 3), read("b", 2.5, 9), read("c", 8, 9)],
    ],
)
def test_what_can_have_happened_is_no_violation(operations):
    assert violations(operations) == []


@pytest.mark.parametrize(
    ("operations", "text"),
    [
        ([write("a", 0, 1), read(NOTHING, 2, 3)], "came and went"),
        ([write("a", 0, 1), write("b", 2, 3), read("a", 4, 5)], "came and went"),
        ([write("a", 0, 1), read("b", 2, 3)], "never written"),
        ([read("a", 0, 1), write("a", 2, 3)], "before it was written"),
        (
            [write("a", 0, 1), write("b", 2, 9), read("b", 3, 4), read("a", 5, 6)],
            "came and went",
        ),
        (
            [write("a", 0, 1), write("b", 2, math.inf), read("b", 3, 4), read("a", 5, 6)],
            "came and went",
        ),
        (
            [write("a", 0, 1), write("b", 2, 3), read("a", 4, 5), read("b", 6, 7)],
            "were current at once",
        ),
    ],
)
def test_what_cannot_have_happened_is_found(operations, text):
    (found, *_) = violations(operations)

    assert found.startswith("k: ")
    assert text in found


def test_a_register_that_works_is_never_accused_and_one_that_forgets_is():
    """Operations take effect at a moment within them; a forgetful register serves an old value."""
    accused = 0
    for seed in range(60):
        chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
        sound, forgetful, value, old = [], [], NOTHING, NOTHING
        for n in range(40):
            at = float(n)
            begin, end = at - chance.random() * 3, at + chance.random() * 3
            if chance.random() < 0.4:
                old, value = value, f"v{n}"
                sound.append(write(value, begin, end))
                forgetful.append(write(value, begin, end))
            else:
                sound.append(read(value, begin, end))
                forgetful.append(read(old if chance.random() < 0.5 else value, begin, end))
        assert violations(sound) == [], seed
        accused += bool(violations(forgetful))

    assert accused > 45


def test_a_write_that_fails_is_recorded_as_unanswered():
    history = History()

    with pytest.raises(OSError, match="gone"):
        history.write("k", "a", _raises)
    history.read("k", lambda: "a")

    assert [o.end == math.inf for o in history.operations] == [True, False]
    assert violations(history.operations) == []


def _raises():
    raise OSError("gone")
