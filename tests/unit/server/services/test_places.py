"""Products with and without behaviour stand in one space."""

import numpy as np
import pytest

from relatum_server.domain import Product
from relatum_server.services.places import BehaviourPlaces
from tests.fakes.encoder import FakeEncoder
from tests.unit.server.services.conftest import build_shop

BEHAVIOUR = {"milk": (1.0, 0.0), "tea": (0.0, 1.0)}
RIDGE = np.random.default_rng(4).normal(size=(FakeEncoder().dimension + 1, 2)).astype(np.float32)
QUERY = np.array([0.6, -0.8], np.float32)


@pytest.fixture
def shop(tmp_path):
    shop = build_shop(tmp_path, behaviour=BEHAVIOUR)
    shop.add(*(Product(i, f"{i} thing") for i in ("new", "milk", "newer", "tea")))
    yield shop
    shop.live.close()


def places(shop, ridge=RIDGE):
    return BehaviourPlaces(shop.live, shop.live.behaviour.index, ridge)


def ids(shop, hits):
    return [shop.live.keys.id_of(key) for key in hits.keys.tolist()]


def keys(shop, *wanted):
    return shop.live.keys.keys_of(wanted)


def test_a_product_without_behaviour_stands_where_the_map_puts_its_text(shop):
    vectors, present = places(shop).get(keys(shop, "milk", "new"))
    (text,), _ = shop.live.text.get(keys(shop, "new"))

    assert present.all()
    assert vectors[0] == pytest.approx([1.0, 0.0])
    assert vectors[1] == pytest.approx(text @ RIDGE[:-1] + RIDGE[-1], abs=1e-5)


def test_the_best_are_those_of_all_products_compared_one_by_one(shop):
    every = keys(shop, "new", "milk", "newer", "tea")
    scores, _ = places(shop).scores(QUERY, every)

    whole = places(shop).search(QUERY, 10)
    two = places(shop).search(QUERY, 2)

    assert whole.keys.tolist() == every[np.lexsort((every, -scores))].tolist()
    assert two.keys.tolist() == whole.keys[:2].tolist()
    assert whole.scores == pytest.approx(np.sort(scores)[::-1], abs=1e-5)


@pytest.mark.parametrize("length", [0, 2, 64])
def test_only_allowed_products_are_found_whatever_the_length_of_the_mask(shop, length):
    wanted = [key for key in keys(shop, "new", "tea").tolist() if key < length]
    allowed = np.zeros(length, np.bool_)
    allowed[wanted] = True

    found = places(shop).search(QUERY, 10, allowed=allowed).keys.tolist()

    assert sorted(found) == wanted
    assert len(wanted) == {0: 0, 2: 1, 64: 2}[length]


def test_without_a_map_only_behaviour_has_a_place(shop):
    found = places(shop, None)

    _, present = found.get(keys(shop, "milk", "new"))

    assert present.tolist() == [True, False]
    assert set(ids(shop, found.search(QUERY, 10))) == {"milk", "tea"}


def test_a_deleted_product_has_no_place_and_one_that_comes_back_has(shop):
    for product_id in ("new", "milk"):
        gone = keys(shop, product_id)
        shop.catalog.delete([product_id])
        assert not places(shop).get(gone)[1].any()
        assert product_id not in ids(shop, places(shop).search(QUERY, 10))

        shop.add(Product(product_id, f"{product_id} thing"))

        assert places(shop).get(keys(shop, product_id))[1].all()
        assert product_id in ids(shop, places(shop).search(QUERY, 10))


def test_without_any_product_nothing_is_found(shop):
    shop.catalog.delete(["new", "milk", "newer", "tea"])

    assert not len(places(shop).search(QUERY, 10).keys)
