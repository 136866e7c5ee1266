"""Next item: what came after a history, against the whole catalogue."""

import math

import numpy as np
import pytest

from relatum_export.evaluation.protocols.next_item import NEXT_ITEM, NextItem
from relatum_export.evaluation.systems import BehaviourSpace
from relatum_export.evaluation.transitions import Transitions, TransitionSettings
from tests.unit.export.evaluation.corpora import (
    encoder_system,
    event,
    figures,
    task_of,
    write_corpus,
)

ITEMS = ("a", "b", "c", "d")


def history(user, *items, split="train", start=0):
    return [event(user, item, split, position=start + i) for i, item in enumerate(items)]


def case(user, items, target, split="test"):
    return {"user_id": user, "items": list(items), "target": target, "split": split}


def test_the_target_is_the_first_event_of_the_split_and_earlier_splits_are_the_history(tmp_path):
    events = [
        *history("u", "a", "b"),
        *history("u", "c", split="valid", start=2),
        *history("u", "d", "a", split="test", start=3),
    ]

    data = NextItem.read(write_corpus(tmp_path, ITEMS, events))

    assert [(c.unit, c.history, c.target) for c in data.cases["valid"]] == [("u", (0, 1), 2)]
    assert [(c.unit, c.history, c.target) for c in data.cases["test"]] == [("u", (0, 1, 2), 3)]
    assert data.histories == {"train": [[0, 1]], "valid": [[0, 1, 2]]}


def test_a_shopper_without_an_earlier_event_is_no_case(tmp_path):
    events = [*history("u", "a"), *history("new", "b", "c", split="test")]

    assert NextItem.read(write_corpus(tmp_path, ITEMS, events)).cases["test"] == []


def test_returns_strangers_and_unknown_items_are_no_history(tmp_path):
    events = [
        {**event("u", "d", position=0), "event_type": "RETURN"},
        event("u", "gone", position=1),
        event(None, "c", position=2),
        event("u", "a", position=3),
        event("u", "b", "test", position=4),
    ]

    assert NextItem.read(write_corpus(tmp_path, ITEMS, events)).cases["test"][0].history == (0,)


def test_seen_items_are_removed_and_popularity_ranks_the_rest(tmp_path):
    events = [
        *history("u", "a", "a", "b"),
        *history("u", "c", split="test", start=3),
        *history("v", "b", "b"),
        *history("w", "c"),
    ]
    corpus = write_corpus(tmp_path, ITEMS, events)

    found = figures(NEXT_ITEM, task_of(corpus))

    # b 3, a 2, c 1, d 0: of the unseen c is first.
    assert found["test/HR@10/popularity"].value == 1
    assert found["test/NDCG@10/popularity"].value == 1


def test_published_cases_are_taken_as_they_are_and_their_seen_items_removed(tmp_path):
    cases = [case("u", "ab", "c"), case("u", "b", "b"), case("v", "a", "d", "valid")]
    corpus = write_corpus(tmp_path, ITEMS, history("u", "a", "b", "b"), {"cases": cases})

    found = figures(NEXT_ITEM, task_of(corpus))

    # b 2, a 1, then c and d by id. Case 1: c first. Case 2: its target was seen, so never found.
    outcome = found["test/NDCG@10/popularity"]
    assert outcome.units == ("u 0", "u 1")
    assert outcome.numerator.tolist() == [1, 0]
    # The valid case: b, c, d.
    assert found["valid/NDCG@10/popularity"].value == pytest.approx(1 / math.log2(4))


def test_on_amazon_office_nothing_is_removed_because_targets_repeat(tmp_path):
    cases = [case("u", "ab", "b"), case("u", "b", "a")]
    corpus = write_corpus(
        tmp_path, ITEMS, history("u", "a", "b", "b"), {"cases": cases}, name="amazon_office"
    )

    found = figures(NEXT_ITEM, task_of(corpus))

    expected = [1, pytest.approx(1 / math.log2(3))]
    assert found["test/NDCG@10/popularity"].numerator.tolist() == expected
    assert found["test/MRR/popularity"].numerator.tolist() == [1, 0.5]


def test_equal_scores_are_ranked_by_id_never_in_favour_of_the_target(tmp_path):
    items = [f"p{i:02}" for i in range(12)]
    cases = [case("u", ["p00"], "p11"), case("u", ["p00"], "p03")]
    corpus = write_corpus(tmp_path, items, history("u", "p00", "p01"), {"cases": cases})

    found = figures(NEXT_ITEM, task_of(corpus))

    # Transitions know p00 -> p01 alone; the others tie at 0. p00 is removed, p01 first, p03 third.
    assert found["test/NDCG@10/transitions"].numerator.tolist() == [0, pytest.approx(1 / 2)]


def test_every_fitted_system_has_a_second_figure_on_test_fitted_on_train_and_valid(tmp_path):
    events = [
        *history("u", "a", "b"),
        *history("v", "a", "b"),
        *history("v", "d", split="valid", start=2),
        *history("w", "a", "d", "d", split="valid"),
        *history("u", "d", split="test", start=2),
    ]

    found = figures(NEXT_ITEM, task_of(write_corpus(tmp_path, ITEMS, events)))

    # Train knows a 2, b 2: for u, who has both, c precedes d by id. With valid d has 3.
    assert found["test/NDCG@10/popularity"].value == pytest.approx(1 / math.log2(3))
    assert found["test/NDCG@10/popularity+valid"].value == 1
    assert found["test/NDCG@10/transitions+valid"].value == 1
    assert "valid/NDCG@10/popularity+valid" not in found


def test_text_and_behaviour_are_asked_with_the_history_newest_heaviest(tmp_path):
    vectors = {"a": (1, 0), "b": (0, 1), "c": (0.8, 0.6), "d": (0.6, 0.8)}
    events = [*history("u", "a", "b"), *history("u", "d", split="test", start=2)]
    space = BehaviourSpace(("a", "b", "c"), np.array([[1, 0], [0, 1], [1, 0]], np.float32))
    corpus = write_corpus(tmp_path, ITEMS, events)

    task = task_of(corpus, encoder_system(vectors), behaviour=space)

    found = figures(NEXT_ITEM, task)

    # .7 a + b = (.7, 1): d 1.22 before c 1.16. Behaviour does not hold d.
    assert found["test/NDCG@10/zero-shot"].value == 1
    assert found["test/HR@10/behaviour"].value == 0
    assert task.notes == ["transitions: pairs up to 10 apart, valid has no case to choose by"]


def test_events_of_baskets_or_bundles_are_not_this_protocols(tmp_path):
    basket = write_corpus(tmp_path / "basket", ITEMS, [event("u", "a", session_id="s")])
    bundles = [{"bundle_id": 1, "items": ["a", "b"], "split": "test"}]
    bundle = write_corpus(tmp_path / "bundle", ITEMS, [event("u", "a")], {"bundles": bundles})

    assert not NEXT_ITEM.applies(basket)
    assert not NEXT_ITEM.applies(bundle)


def test_transitions_by_hand():
    settings = TransitionSettings(window=2, step=0.5, backwards=0.1, popularity_power=1.0)

    fitted = Transitions.fit([[0, 1, 2], [0, 1]], 3, settings)

    # Forward: 0>1 twice 1, 1>2 1, 0>2 .5. Backward a tenth: 1>0 .2, 2>1 .1, 2>0 .05.
    # Row sums: 0 2.5, 1 1.2, 2 .15. Popularity: 2, 2, 1.
    expected = np.array([[0, 2 / 2, 0.5], [0.2 / 2, 0, 1], [0.05 / 2, 0.1 / 2, 0]])
    expected /= np.sqrt([[2.5], [1.2], [0.15]])
    assert fitted.weights.toarray() == pytest.approx(expected)
    # A history of 0 then 1: .7 of row 0 and the whole of row 1.
    assert fitted.scores([[0, 1]])[0] == pytest.approx(0.7 * expected[0] + expected[1])


def test_the_report_can_show_history_lists_and_target_and_slices_by_popularity(tmp_path):
    events = [
        event("u", "a", timestamp=1), event("u", "b", timestamp=2),
        event("u", "c", "test", timestamp=3),
        event("v", "b", timestamp=1), event("v", "b", "test", timestamp=2),
    ]  # fmt: skip
    corpus = write_corpus(tmp_path, ("a", "b", "c"), events)

    found = figures(NEXT_ITEM, task_of(corpus, splits=("test",)))

    evidence = found["test/NDCG@10/popularity"].evidence
    assert evidence is not None
    assert evidence.cases is not None
    assert evidence.given is not None
    case = evidence.cases.by_unit["u"]
    assert (case.asked, case.right) == ("b ← a", ("c",))
    assert case.slices == {"popularity": "cold", "history": "history-2-3"}
    assert evidence.given.of_unit(0) == ["c"]
    assert found["test/HR@10/popularity"].evidence is None
