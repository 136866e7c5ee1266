"""The user encoder moves recommendations, over fakes."""

import numpy as np
import pytest

from relatum_server.artifact import RankerSource, RankerSpec
from relatum_server.domain import Event, EventType, EvidenceKind, Product, ProductQuantity
from relatum_server.services.ranked import Paging
from relatum_server.services.recommendation import RecommendQuery
from tests.fakes.encoder import FakeEncoder
from tests.fakes.heads import FakeUserEncoder
from tests.unit.server.services.conftest import DAY_US, NOW_US, build_shop

RANKER = RankerSpec(1, True, (RankerSource("users", 2.0, 2.0, 50, {}),))
BEHAVIOUR = {"milk": (1.0, 0.0), "bread": (0.8, 0.6), "tea": (0.0, 1.0)}
RIDGE = np.zeros((FakeEncoder().dimension + 1, 2), np.float32)
RIDGE[-1] = (0.5, 0.0)


def shop_with(tmp_path, encoder, ridge=None):
    shop = build_shop(tmp_path, behaviour=BEHAVIOUR, ranker=RANKER, users=encoder, ridge=ridge)
    shop.add(*(Product(i, f"{i} thing") for i in ("milk", "bread", "tea", "new")))
    return shop


def event(product_id, days_ago, kind=EventType.PURCHASE, user="ann"):
    time_us = int(NOW_US - days_ago * DAY_US)
    items = (ProductQuantity(product_id),)
    return Event("", kind, user=user, time_us=time_us, items=items)


def lines(shop, **fields):
    page = shop.recommendation.recommend(RecommendQuery(user_id="ann", **fields), Paging())
    return {line.product_id: line for line in page.results}


def test_the_query_of_the_history_ranks_and_names_the_nearest_event(tmp_path):
    encoder = FakeUserEncoder()
    shop = shop_with(tmp_path, encoder)
    shop.events.write([(0, event("tea", 9)), (1, event("milk", 2))])

    found = lines(shop)

    assert list(found) == ["milk", "bread", "tea"]
    part = found["bread"].evidence[0]
    assert (part.kind, part.product_id) == (EvidenceKind.BEHAVIOUR, "milk")
    assert part.contribution == pytest.approx(2.0 * 0.8, abs=1e-2)
    vectors, gaps = encoder.asked[-1]
    assert vectors.tolist() == [[0.0, 1.0], [1.0, 0.0]]
    assert gaps.tolist() == [7.0, 0.0]


def test_an_event_of_the_session_counts_at_once(tmp_path):
    shop = shop_with(tmp_path, FakeUserEncoder())
    shop.events.write([(0, event("milk", 2))])

    found = lines(shop, session_events=(event("tea", 0, EventType.VIEW, ""),))

    assert next(iter(found)) == "tea"


def test_the_newest_events_are_read_where_there_are_too_many(tmp_path):
    encoder = FakeUserEncoder(max_history=2)
    shop = shop_with(tmp_path, encoder)
    shop.events.write([(n, event(i, 9 - n)) for n, i in enumerate(("tea", "milk", "bread"))])

    lines(shop)

    assert encoder.asked[-1][0].tolist() == pytest.approx(
        np.array([[1.0, 0.0], [0.8, 0.6]]), abs=1e-3
    )


def test_a_product_without_behaviour_stands_where_its_text_puts_it(tmp_path):
    shop = shop_with(tmp_path, FakeUserEncoder(), ridge=RIDGE)
    shop.events.write([(0, event("milk", 2))])

    found = lines(shop)

    assert found["new"].score == pytest.approx(2.0 * 0.5)


def test_a_history_of_products_without_a_place_says_nothing(tmp_path):
    encoder = FakeUserEncoder()
    shop = shop_with(tmp_path, encoder)
    shop.events.write([(0, event("new", 2))])

    assert lines(shop) == {}
    assert encoder.asked == []


def test_an_encoder_without_repeats_does_not_name_what_the_shopper_has(tmp_path):
    shop = shop_with(tmp_path, FakeUserEncoder(repeats=False))
    shop.events.write([(0, event("milk", 2))])

    found = lines(shop)

    assert list(found) == ["bread", "tea"]
