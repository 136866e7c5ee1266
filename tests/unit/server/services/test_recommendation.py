"""Events, recommendations and profiles over fakes."""

import math

import pytest

from relatum_server.domain import Event, EventType, EvidenceKind, Product, ProductQuantity
from relatum_server.errors import InvalidArgumentError
from relatum_server.services.ranked import Paging
from relatum_server.services.recommendation import RecommendationKind, RecommendQuery
from tests.unit.server.services.conftest import DAY_US, NOW_US


@pytest.fixture
def grocer(shop):
    shop.add(
        *(
            Product(i, title, brand=brand, group_id=group)
            for i, title, brand, group in (
                ("milk", "whole milk", "Farm", ""),
                ("bread", "wheat bread", "Farm", ""),
                ("jam", "cherry jam", "Alm", ""),
                ("tea", "green tea", "Leaf", "tea"),
                ("tea2", "green tea big", "Leaf", "tea"),
            )
        )
    )
    return shop


def purchase(*ids, user="ann", days_ago=0.0, **fields):
    return Event(
        "",
        EventType.PURCHASE,
        user=user,
        time_us=int(NOW_US - days_ago * DAY_US),
        items=tuple(ProductQuantity(i) for i in ids),
        **fields,
    )


def ids(page):
    return [line.product_id for line in page.results]


def kinds(line):
    return {part.kind for part in line.evidence}


def test_an_event_written_moves_the_next_recommendation(grocer):
    grocer.buy("1", "bread", user="bob")
    before = grocer.recommendation.recommend(RecommendQuery(user_id="ann"), Paging())

    grocer.events.write([(0, purchase("jam"))])

    after = grocer.recommendation.recommend(RecommendQuery(user_id="ann"), Paging())
    assert ids(before)[0] == "bread"
    assert {p.kind for line in before.results for p in line.evidence} == {EvidenceKind.POPULARITY}
    assert ids(after)[0] == "jam"
    assert EvidenceKind.REPEAT in kinds(after.results[0])


def test_contributions_sum_to_the_score_of_each_recommendation(grocer):
    grocer.buy("1", "milk", "bread", user="bob")
    grocer.buy("2", "milk", "jam", user="ann")

    page = grocer.recommendation.recommend(RecommendQuery(user_id="ann"), Paging())

    for line in page.results:
        assert math.fsum(p.contribution for p in line.evidence) == pytest.approx(line.score)


def test_what_goes_with_the_history_names_the_product_that_moved_it(grocer):
    grocer.buy("1", "milk", "bread", user="bob")
    grocer.buy("2", "milk", user="ann")

    page = grocer.recommendation.recommend(
        RecommendQuery(user_id="ann", exclude_purchased=True), Paging()
    )

    bread = page.results[0]
    moved = [p for p in bread.evidence if p.kind is EvidenceKind.CO_PURCHASE]
    assert (bread.product_id, moved[0].product_id) == ("bread", "milk")
    assert "milk" not in ids(page)


def test_events_of_the_session_count_without_being_stored(grocer):
    revision = grocer.store.revision()
    session = (Event("", EventType.VIEW, items=(ProductQuantity("jam"), ProductQuantity("x"))),)

    page = grocer.recommendation.recommend(RecommendQuery(session_events=session), Paging())

    assert EvidenceKind.TEXT in kinds(page.results[0])
    assert ids(page)[0] == "jam"
    assert list(page.missing_product_ids) == ["x"]
    assert grocer.store.revision() == revision


def test_trending_orders_by_purchases_that_halve_each_week(grocer):
    for n in range(3):
        grocer.buy(f"old{n}", "milk", days_ago=30)
    grocer.buy("new", "bread")

    page = grocer.recommendation.recommend(
        RecommendQuery(kind=RecommendationKind.TRENDING), Paging()
    )

    assert ids(page)[:2] == ["bread", "milk"]


def test_a_filter_and_candidates_narrow_the_list(grocer):
    grocer.events.write([(0, purchase("milk"))])

    only = grocer.recommendation.recommend(
        RecommendQuery(user_id="ann", candidate_ids=("jam", "tea2", "none")), Paging()
    )
    leaf = grocer.recommendation.recommend(
        RecommendQuery(user_id="ann", filter='brand = "Leaf"'), Paging()
    )

    assert set(ids(only)) == {"jam", "tea2"}
    assert list(only.missing_product_ids) == ["none"]
    assert len(ids(leaf)) == 1


def test_raw_ids_of_shoppers_and_sessions_never_reach_the_store(grocer):
    grocer.events.write([(0, purchase("milk", user="canary-user", session="canary-session"))])

    stored = [event for _, event in grocer.store.scan_events()]

    assert "canary" not in repr(stored)
    assert stored[0].user
    assert stored[0].session


def test_a_bad_event_is_refused_alone(grocer):
    lines = [
        (0, purchase("milk", days_ago=-1)),
        (1, Event("", EventType.RATING, items=(ProductQuantity("milk"),), value=9)),
        (2, purchase("bread")),
    ]

    outcome = grocer.events.write(lines)

    assert outcome.written == 1
    assert [(e.index, e.reason) for e in outcome.errors] == [
        (0, "EVENT_IN_FUTURE"),
        (1, "INVALID_ARGUMENT"),
    ]


def test_an_event_a_little_ahead_is_set_to_now(grocer):
    grocer.events.write([(0, purchase("milk", days_ago=-60 / 86_400))])

    assert next(iter(grocer.store.scan_events()))[1].time_us == NOW_US


def test_unknown_products_are_kept_reported_and_count_when_they_arrive(grocer):
    outcome = grocer.events.write([(0, purchase("milk", "new", session="s"))])
    assert list(outcome.missing_product_ids) == ["new"]

    grocer.add(Product("new", "new thing"))

    page = grocer.recommendation.recommend(RecommendQuery(user_id="ann"), Paging())
    assert {"milk", "new"} <= set(ids(page)[:2])


def test_a_second_event_of_the_same_id_changes_nothing(grocer):
    event = Event("e1", EventType.PURCHASE, user="ann", items=(ProductQuantity("milk"),))

    first = grocer.events.write([(0, event)])
    second = grocer.events.write([(0, event)])

    assert (first.written, second.written, second.duplicates) == (1, 0, 1)
    assert grocer.recommendation.profile("ann").event_count == 1


def test_a_profile_weighs_what_was_bought_above_what_was_dismissed(grocer):
    dismissal = Event("", EventType.DISMISS, user="ann", items=(ProductQuantity("tea"),))
    grocer.events.write([(0, purchase("milk")), (1, purchase("milk")), (2, dismissal)])

    profile = grocer.recommendation.profile("ann")

    assert [(i.product_id, i.weight, i.purchases) for i in profile.interests] == [
        ("milk", 2.0, 2),
        ("tea", -1.0, 0),
    ]
    assert profile.last_event_time_us == NOW_US


def test_an_unknown_shopper_has_an_empty_profile(grocer):
    assert grocer.recommendation.profile("nobody").event_count == 0


def test_a_profile_needs_a_shopper(grocer):
    with pytest.raises(InvalidArgumentError, match="user_id"):
        grocer.recommendation.profile("")


def test_a_bad_session_event_is_named(grocer):
    session = (purchase("milk"), purchase("milk", days_ago=-1))
    with pytest.raises(InvalidArgumentError) as error:
        grocer.recommendation.recommend(RecommendQuery(session_events=session), Paging())
    assert error.value.violations[0].field == "session_events[1].time"


def test_an_import_of_events_counts_what_it_did(grocer):
    batches = [[(0, purchase("milk")), (1, purchase("x"))], [(2, purchase("y", days_ago=-1))]]

    outcome = grocer.events.import_events(batches)

    assert (outcome.received, outcome.written, outcome.failed) == (3, 2, 1)
    assert outcome.missing_products == 1


def test_a_restarted_server_knows_the_shopper_and_what_is_popular(grocer):
    grocer.buy("1", "milk", "bread", user="bob")
    grocer.buy("2", "milk", user="ann")
    before = grocer.recommendation.recommend(RecommendQuery(user_id="ann"), Paging())

    after = grocer.restarted().recommendation.recommend(RecommendQuery(user_id="ann"), Paging())

    assert after.results == before.results


def again(shop, user="ann", **fields):
    query = RecommendQuery(kind=RecommendationKind.BUY_AGAIN, user_id=user, **fields)
    return shop.recommendation.recommend(query, Paging())


def test_what_is_due_again_comes_first_with_the_repeat_as_evidence(grocer):
    for day in (20, 10):
        grocer.events.write([(0, purchase("milk", days_ago=day))])
    for day in (11, 1):
        grocer.events.write([(0, purchase("bread", days_ago=day))])
    grocer.buy("now", "jam", user="bob")

    page = again(grocer)

    assert ids(page) == ["milk", "bread"]
    assert [kinds(line) for line in page.results] == [{EvidenceKind.REPEAT}] * 2
    for line in page.results:
        assert line.score == pytest.approx(line.evidence[0].contribution)
        assert 0 < line.score <= 1


def test_what_was_bought_once_comes_again_only_where_others_buy_it_again(grocer):
    for day in (20, 10):
        grocer.events.write([(0, purchase("milk", user="bob", days_ago=day))])
    grocer.events.write([(0, purchase("milk", "jam", days_ago=12))])

    assert ids(again(grocer)) == ["milk"]


def test_what_was_returned_is_not_offered_again(grocer):
    for day in (20, 10):
        grocer.events.write([(0, purchase("milk", "bread", days_ago=day))])
    for _ in range(2):
        returned = Event("", EventType.RETURN, user="ann", items=(ProductQuantity("milk"),))
        grocer.events.write([(0, returned)])

    assert ids(again(grocer)) == ["bread"]


def test_a_filter_and_candidates_narrow_what_is_bought_again(grocer):
    for day in (20, 10):
        grocer.events.write([(0, purchase("milk", "bread", "jam", days_ago=day))])
    grocer.buy("now", "tea", user="bob")

    assert set(ids(again(grocer, filter='brand = "Farm"'))) == {"milk", "bread"}
    assert ids(again(grocer, candidate_ids=("jam", "tea"))) == ["jam"]


def test_nothing_is_bought_again_by_a_shopper_without_purchases(grocer):
    grocer.buy("1", "milk", user="bob")

    assert ids(again(grocer)) == []


def test_a_restarted_server_knows_what_is_bought_again(grocer):
    for day in (20, 10):
        grocer.events.write([(0, purchase("milk", user="bob", days_ago=day))])
        grocer.events.write([(0, purchase("milk", "bread", days_ago=day))])
    grocer.buy("now", "tea", user="bob")

    assert again(grocer.restarted()).results == again(grocer).results


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"user": ""}, "user_id"), ({"exclude_purchased": True}, "exclude_purchased")],
)
def test_buying_again_needs_a_shopper_and_what_they_bought(grocer, fields, field):
    with pytest.raises(InvalidArgumentError) as error:
        again(grocer, **fields)
    assert error.value.violations[0].field == field
