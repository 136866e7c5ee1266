"""ListRelated, Recommend and GetProfile over loopback, against what a shop expects of them."""

import math
from datetime import UTC, datetime, timedelta

import pytest

from relatum import RelatumError
from relatum.pairs import Text
from relatum.types import Event
from tests.e2e.ranked_list import assert_explained, ids, kinds

# ListRelated


def test_evidence_of_related_products_sums_to_the_score(client):
    ranked = client.related(product_id="mouse-red", page_size=10)

    assert_explained(ranked)
    assert "mouse-red" not in ids(ranked)


def test_what_complements_a_mouse_is_the_keyboard_bought_with_it(client):
    ranked = client.related(product_id="mouse-black", relation="COMPLEMENT", page_size=5)

    assert_explained(ranked)
    assert ids(ranked)[0] == "keyboard-black"
    assert not any(i.startswith("mouse") for i in ids(ranked))


def test_a_text_is_related_to_the_product_that_it_describes(client):
    ranked = client.related(text="black keyboard", page_size=5)

    assert_explained(ranked)
    assert "keyboard-black" in ids(ranked)
    assert kinds(ranked) == {"TEXT"}


def test_a_batch_gives_one_list_a_product_in_order_and_reports_the_unknown(client):
    batch = ["pen-red", "nowhere", "mouse-blue"]

    ranked = client.related(batch=batch, page_size=4)

    assert [entry.product_id for entry in ranked.lists] == batch
    assert [len(entry.results) for entry in ranked.lists] == [4, 0, 4]
    assert ranked.missing_product_ids == ("nowhere",)
    alone = client.related(product_id="pen-red", page_size=4)
    assert [r.product_id for r in ranked.lists[0].results] == ids(alone)


def test_examples_are_left_out_and_what_is_disliked_moves_down(client):
    liked = client.related(positive=["mouse-red", "pen-red"], page_size=40)
    disliked = client.related(
        positive=["mouse-red", "pen-red"], negative=["stapler-red"], page_size=40
    )

    assert_explained(disliked)
    assert not {"mouse-red", "pen-red", "stapler-red"} & set(ids(disliked))
    scores = [
        {r.product_id: r.score for r in ranked.results}.get("stapler-blue", -math.inf)
        for ranked in (liked, disliked)
    ]
    assert scores[1] < scores[0]


def test_a_relation_that_the_head_did_not_learn_says_what_the_artifact_lacks(client):
    with pytest.raises(RelatumError) as error:
        client.related(product_id="mouse-red", relation="SUBSTITUTE")

    assert (error.value.code, error.value.reason) == ("FAILED_PRECONDITION", "ARTIFACT_LACKS_PART")
    assert "train pairs" in error.value.message


# ScoreAssociations


def test_pairs_are_scored_in_order_with_probabilities_and_facts(client):
    found = client.score(
        [
            ("mouse-black", "keyboard-black"),
            ("mouse-black", Text("a red stapler")),
            ("nowhere", "pen-red"),
        ]
    )

    bought, text, unknown = found.scores
    for score in (bought, text):
        sure = list(score.probabilities.values())
        assert sum(sure) == pytest.approx(1.0, abs=1e-5)
        assert sure == sorted(sure, reverse=True)
    assert {"UNRELATED", "COMPLEMENT"} <= set(bought.probabilities)
    facts = {part.kind: part.contribution for part in bought.evidence}
    assert 0 < facts["CO_PURCHASE"] <= 1
    assert facts["CATEGORY"] == -1.0
    assert {part.kind for part in text.evidence} == {"TEXT"}
    assert unknown.probabilities == {}
    assert found.missing_product_ids == ("nowhere",)


# Recommend


def test_an_event_moves_the_next_recommendation_and_the_profile(client):
    before = client.recommend("mover", page_size=10)
    written = client.write_events(
        [Event(type="PURCHASE", user_id="mover", items=[("desk lamp-red", 1)])]
    )

    after = client.recommend("mover", page_size=10)
    profile = client.profile("mover")

    assert written.written == 1
    assert kinds(before) == {"POPULARITY"}
    assert ids(after) != ids(before)
    assert_explained(after)
    assert profile is not None
    assert profile.event_count == 1
    assert [i.product_id for i in profile.interests] == ["desk lamp-red"]
    assert profile.interests[0].purchases == 1


def test_nothing_is_known_of_a_shopper_without_events(client):
    assert client.profile("nobody") is None


def test_session_events_move_a_recommendation_and_are_not_stored(client):
    event = Event(type="CART", items=[("mouse-silver", 1)])

    ranked = client.recommend("browser", session_events=[event], page_size=5)

    assert_explained(ranked)
    assert kinds(ranked) != {"POPULARITY"}
    assert client.profile("browser") is None


def test_trending_is_what_is_bought_now(client):
    client.write_events(
        [
            Event(type="PURCHASE", user_id=f"crowd-{n}", items=[("monitor-silver", 1)])
            for n in range(30)
        ]
    )

    ranked = client.recommend(kind="TRENDING", page_size=3)

    assert_explained(ranked)
    assert ids(ranked)[0] == "monitor-silver"


def test_what_is_due_again_is_recommended_again(client):
    newest = datetime(2026, 1, 31, tzinfo=UTC)
    client.write_events(
        [
            Event(
                type="PURCHASE",
                user_id="regular",
                items=[(product_id, 1)],
                time=newest - timedelta(days=days),
            )
            for product_id, days in (
                ("pen-red", 40), ("pen-red", 30), ("notebook-red", 40), ("notebook-red", 20),
                ("stapler-red", 5),
            )
        ]
    )  # fmt: skip

    ranked = client.recommend("regular", kind="BUY_AGAIN")

    assert_explained(ranked)
    assert {"pen-red", "notebook-red"} <= set(ids(ranked))
    assert kinds(ranked) == {"REPEAT"}


def test_what_a_shopper_bought_can_be_left_out(client):
    client.write_events([Event(type="PURCHASE", user_id="owner", items=[("pen-blue", 1)])])

    ranked = client.recommend("owner", exclude_purchased=True, page_size=100)

    assert "pen-blue" not in ids(ranked)
