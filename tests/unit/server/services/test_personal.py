"""The additive ranker, as the artifact's ranker.json has it."""

import pytest

from relatum_server.artifact import RankerSource, RankerSpec
from relatum_server.domain import Event, EventType, EvidenceKind, Product, ProductQuantity
from relatum_server.errors import ArtifactError
from relatum_server.services.personal import PersonalRanker
from relatum_server.services.ranked import Paging
from relatum_server.services.recommendation import RecommendQuery
from tests.unit.server.services.conftest import NOW_US, build_shop

TRANSITIONS = {
    "window": 3.0,
    "step": 0.6,
    "backwards": 0.0,
    "row_power": 0.5,
    "popularity_power": 0.25,
    "history_step": 0.7,
}


def source(name, weight=1.0, candidates=50, **settings):
    return RankerSource(name, weight, weight, candidates, settings)


def shop_with(tmp_path, *sources, repeats=True):
    shop = build_shop(tmp_path, ranker=RankerSpec(1, repeats, sources))
    shop.add(*(Product(i, f"{i} thing") for i in ("milk", "bread", "jam", "tea")))
    return shop


def bought(shop, user, *ids):
    for at, product_id in enumerate(ids):
        event = Event(
            "",
            EventType.PURCHASE,
            user=user,
            time_us=NOW_US - 1_000_000 * (len(ids) - at),
            items=(ProductQuantity(product_id),),
        )
        shop.events.write([(0, event)])


def lines(shop, user="ann", **fields):
    page = shop.recommendation.recommend(RecommendQuery(user_id=user, **fields), Paging())
    return {line.product_id: line for line in page.results}


def test_what_followed_in_other_histories_comes_and_names_what_it_followed(tmp_path):
    shop = shop_with(tmp_path, source("transitions", **TRANSITIONS))
    bought(shop, "bob", "milk", "bread")
    bought(shop, "ann", "milk")

    found = lines(shop)

    assert list(found) == ["bread"]
    assert [(p.kind, p.product_id) for p in found["bread"].evidence] == [
        (EvidenceKind.TRANSITION, "milk")
    ]


def test_a_value_is_raised_to_its_power_before_it_is_weighed(tmp_path):
    flat = RankerSource("frequency", 3.0, 3.0, 50, {}, power=0.5)
    shop = shop_with(tmp_path, flat)
    bought(shop, "ann", "milk", "bread")

    assert lines(shop)["milk"].score == pytest.approx(3.0 * 0.9**0.5)


def test_own_frequency_decays_as_the_ranker_says(tmp_path):
    shop = shop_with(tmp_path, source("frequency", basket_step=0.5))
    bought(shop, "ann", "milk", "bread")

    assert lines(shop)["milk"].score == pytest.approx(0.5)


def test_without_repeats_nothing_that_was_bought_comes_again(tmp_path):
    shop = shop_with(tmp_path, source("frequency"), source("text"), repeats=False)
    bought(shop, "ann", "milk")

    assert "milk" not in lines(shop)
    assert "milk" not in lines(shop, candidate_ids=("milk", "jam"))
    assert {"bread", "jam", "tea"} == set(lines(shop))


def test_a_source_that_proposes_nothing_scores_what_others_propose(tmp_path):
    shop = shop_with(tmp_path, source("frequency"), source("text", candidates=0))
    bought(shop, "ann", "milk")

    found = lines(shop)

    assert list(found) == ["milk"]
    assert {p.kind for p in found["milk"].evidence} == {EvidenceKind.REPEAT, EvidenceKind.TEXT}


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (source("transitions", window=3.0), "backwards"),
        (source("transitions", **{**TRANSITIONS, "window": 0.0}), "window"),
        (source("frequency", basket_step=1.5), "basket_step"),
        (source("recent_copurchase", half_life_days=7.0), "basket_step"),
        (source("recent_copurchase", half_life_days=0.0, basket_step=0.9), "half_life"),
        (source("complement"), "history_step"),
    ],
)
def test_a_ranker_that_asks_for_what_is_not_there_is_refused_at_start(shop, wrong, named):
    with pytest.raises(ArtifactError, match=named):
        PersonalRanker(shop.live, RankerSpec(1, True, (wrong,)))
