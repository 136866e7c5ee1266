"""Popularity and baskets of the catalogue's products, over history and events."""

import numpy as np
import pytest

from relatum_server.domain import Event, EventType, Product, ProductQuantity
from relatum_server.index.counters import EventCounters
from relatum_server.index.popularity import HALF_LIFE_US
from relatum_server.services.history import PurchaseHistory
from relatum_server.services.product_keys import ProductKeys
from relatum_server.services.traffic import Traffic

DAY_US = HALF_LIFE_US // 7
END = 19_000 * DAY_US
HISTORY = PurchaseHistory({"old": (4.0, END)})


class Catalogue:
    """Keys and traffic, joined as the live catalogue joins them."""

    def __init__(self, history: PurchaseHistory | None = None) -> None:
        history = history or PurchaseHistory()
        counters = EventCounters(history.covered_until_us())
        self.traffic, self.keys = Traffic(counters, history=history), ProductKeys()

    def put(self, **products: int) -> None:
        for product_id, key in products.items():
            self.keys.put(key, Product(product_id))
        self.traffic.join(list(products.values()), list(products))

    def delete(self, *keys: int) -> None:
        for key in keys:
            self.keys.remove(key)
        self.traffic.leave(keys)

    def buy(self, *ids: str, days: float = 1.0) -> None:
        items = tuple(ProductQuantity(i) for i in ids)
        time_us = END + int(days * DAY_US)
        event = Event("e", EventType.PURCHASE, session=f"{days}", time_us=time_us, items=items)
        self.traffic.add([event], self.keys)

    def popularity(self, *keys: int) -> list[float]:
        found: list[float] = self.traffic.popularity(np.array(keys, np.int64)).tolist()
        return found


def test_the_most_popular_product_has_1_and_the_unknown_0() -> None:
    shop = Catalogue()
    shop.put(a=1, b=2, c=5000)
    shop.buy("a", days=0)
    shop.buy("c", days=7)

    assert shop.popularity(1, 2, 5000, 9_999_999) == pytest.approx([0.5, 0, 1, 0])
    assert shop.traffic.popular(5).tolist() == [5000, 1]


def test_without_the_most_popular_the_next_has_1() -> None:
    shop = Catalogue()
    shop.put(a=1, b=2, c=3)
    for days in (1, 2, 3):
        shop.buy("a", days=days)
    shop.buy("b", days=1)
    shop.buy("c", days=8)

    shop.delete(1, 77, 9_999_999)
    assert shop.popularity(1, 2, 3) == pytest.approx([0, 0.5, 1])
    shop.delete(3)
    assert shop.popularity(2, 3) == [1.0, 0.0]
    shop.delete(2)
    assert shop.popularity(2, 3) == [0.0, 0.0]
    assert shop.traffic.popular(5).tolist() == []


@pytest.mark.parametrize("k", [0, 1, 2, 3, 9])
def test_the_popular_come_best_first_with_ties_by_key(k: int) -> None:
    shop = Catalogue()
    shop.put(a=9, b=3, c=5, d=4)
    shop.buy("a", "b", "c", "d")
    shop.buy("c", days=2)

    assert shop.traffic.popular(k).tolist() == [5, 3, 4, 9][:k]
    assert shop.traffic.recently_popular(k).tolist() == [5, 3, 4, 9][:k]


def test_a_deleted_product_that_returns_under_another_key_has_its_purchases_again() -> None:
    shop = Catalogue()
    shop.put(a=1, b=2)
    shop.buy("a", "b")
    shop.delete(2)
    assert shop.traffic.neighbours(1, 5)[0].tolist() == []
    assert shop.traffic.recently_popular(5).tolist() == [1]

    shop.put(b=7)

    assert shop.traffic.neighbours(1, 5)[0].tolist() == [7]
    assert shop.traffic.recently_popular(5).tolist() == [1, 7]
    assert shop.popularity(2, 7) == [0.0, 1.0]


def test_the_history_without_its_events_counts_as_the_artifact_says() -> None:
    shop = Catalogue(HISTORY)
    shop.put(old=1, new=2)
    shop.buy("new", days=0)

    assert shop.traffic.baskets(np.array([1, 2])).tolist() == [4.0, 1.0]
    assert shop.popularity(1, 2) == pytest.approx([1, 0.25])


@pytest.mark.parametrize("imported", [1, 2, 3])
def test_of_the_history_only_what_its_events_lack_is_added(imported: int) -> None:
    shop = Catalogue(HISTORY)
    shop.put(old=1, new=2)
    shop.buy("new", days=0)

    for number in range(imported):
        shop.buy("old", days=-7 - number / 1000)

    assert shop.traffic.baskets(np.array([1])).tolist() == [4.0]
    left = 4 - imported
    assert shop.popularity(2, 1)[0] == pytest.approx(1 / (left + imported * 0.5), rel=1e-3)


def test_events_beyond_the_artifacts_count_never_count_less_than_nothing() -> None:
    shop = Catalogue(HISTORY)
    shop.put(old=1, new=2)
    shop.buy("new", days=0)

    for number in range(8):
        shop.buy("old", days=-7 - number / 1000)

    assert shop.popularity(1, 2) == pytest.approx([1, 0.25], rel=1e-3)


def test_a_purchase_of_an_unknown_product_moves_the_last_seven_days_too() -> None:
    shop = Catalogue()
    shop.put(a=1)
    shop.buy("a")
    assert shop.traffic.recently_popular(5).tolist() == [1]

    shop.buy("unknown", days=100)

    assert shop.traffic.recently_popular(5).tolist() == []
    assert shop.traffic.recent_shares(np.array([1])).tolist() == [0.0]
