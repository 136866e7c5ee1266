"""What every store does, whatever it is made of."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from relatum_server.domain import (
    Attribute,
    Availability,
    Event,
    EventType,
    Money,
    Product,
    ProductQuantity,
    Rating,
)
from relatum_server.errors import (
    AbortedError,
    InvalidArgumentError,
    NotFoundError,
    UnavailableError,
)
from relatum_server.store.base import ProductPut, Store

FULL = Product(
    id="p1",
    title="Ünï 牛奶",
    description="d" * 10_000,
    brand="Acme",
    categories=("A > B", "C"),
    attributes={"size": Attribute(("10 oz",), (1.5, -0.0)), "": Attribute()},
    price=Money("USD", -3, -990_000_000),
    availability=Availability.BACKORDER,
    rating=Rating(4.5, 2**40),
    image_uris=("https://x/y",),
    language_code="zh",
    group_id="g",
    platform="ios",
    update_time_us=2**60,
    etag="e1",
)
PURCHASE = Event(
    id="ev",
    type=EventType.PURCHASE,
    user="u",
    session="s",
    time_us=-(2**60),
    sequence=7,
    items=(ProductQuantity("p1", 3), ProductQuantity("p2")),
    query="milk",
    attribution_token="t",  # noqa: S106 - a name of the API
    platform="web",
    value=-1.25,
)


def put(product_id: str, etag: str = "e", **rest: object) -> ProductPut:
    return ProductPut(Product(id=product_id, etag=etag), **rest)  # type: ignore[arg-type]


def event(event_id: str, user: str = "u", time_us: int = 0, sequence: int = 0) -> Event:
    return Event(event_id, EventType.VIEW, user=user, time_us=time_us, sequence=sequence)


class TestStore:
    def test_an_empty_store_has_revision_zero_and_nothing_in_it(self, store: Store) -> None:
        assert store.revision() == 0
        assert store.product_count() == 0
        assert list(store.scan_products()) == []
        assert list(store.scan_events()) == []
        assert list(store.changes(0, 10)) == []

    def test_a_product_comes_back_as_it_was_written(self, store: Store) -> None:
        written = store.write_products([ProductPut(FULL)])

        stored = store.get_products(["p1", "unknown"])

        assert list(stored) == ["p1"]
        assert stored["p1"].product == FULL
        assert stored["p1"].key == written.keys[0]
        assert store.get_products_by_key([written.keys[0], 999]) == {written.keys[0]: FULL}
        assert [s.product for s in store.scan_products()] == [FULL]

    def test_an_event_comes_back_as_it_was_written(self, store: Store) -> None:
        store.write_events([PURCHASE, Event("bare", EventType.SEARCH)])

        assert store.user_events("u", 10) == [PURCHASE]
        assert [e for _, e in store.scan_events()] == [PURCHASE, Event("bare", EventType.SEARCH)]

    def test_each_write_that_changes_something_takes_the_next_revision(self, store: Store) -> None:
        first = store.write_products([put("a"), put("b")])
        second = store.write_events([event("1"), event("2")])
        third = store.write_products([], ["a"])

        assert [w.revision for w in (first, second, third)] == [1, 2, 3]
        assert store.revision() == 3
        log = store.changes(0, 10)
        assert [(c.revision, c.kind) for c in log] == [
            (1, "products"),
            (2, "events"),
            (3, "products"),
        ]
        assert list(log[0].keys) == list(first.keys)
        assert list(log[2].deleted_keys) == list(first.keys[:1])
        rows = [row for row, _ in store.scan_events()]
        assert log[1].event_rows == (rows[0], rows[-1])
        assert [c.revision for c in store.changes(1, 1)] == [2]

    def test_a_write_that_changes_nothing_takes_no_revision(self, store: Store) -> None:
        store.write_events([event("1")])

        assert store.write_events([event("1")]).revision == 1
        assert store.write_products([], ["unknown"]).revision == 1
        assert store.write_events([]).revision == 1
        assert store.revision() == 1

    def test_a_rewritten_product_keeps_its_key_and_a_reborn_one_gets_a_new_key(
        self, store: Store
    ) -> None:
        first = store.write_products([put("a"), put("b")]).keys
        again = store.write_products([put("b", "e2")]).keys
        deleted = store.write_products([], ["b", "unknown"])
        reborn = store.write_products([put("b")]).keys

        assert again[0] == first[1]
        assert list(deleted.deleted_keys) == [first[1]]
        assert list(deleted.missing_ids) == ["unknown"]
        assert reborn[0] not in first

    def test_a_wrong_etag_aborts_the_whole_write(self, store: Store) -> None:
        store.write_products([put("a", "e1")])

        with pytest.raises(AbortedError):
            store.write_products([put("new"), put("a", "e2", expected_etag="stale")], [])
        with pytest.raises(AbortedError):
            store.write_products([put("absent", expected_etag="e1")])

        assert store.get_products(["new", "absent"]) == {}
        assert store.get_products(["a"])["a"].product.etag == "e1"
        assert store.revision() == 1

    def test_the_right_etag_lets_the_write_through(self, store: Store) -> None:
        store.write_products([put("a", "e1")])

        store.write_products([put("a", "e2", expected_etag="e1")])

        assert store.get_products(["a"])["a"].product.etag == "e2"

    def test_an_update_of_a_product_that_does_not_exist_is_not_found(self, store: Store) -> None:
        with pytest.raises(NotFoundError) as caught:
            store.write_products([put("a", must_exist=True)])

        assert caught.value.reason == "PRODUCT_NOT_FOUND"
        assert store.product_count() == 0

    @pytest.mark.parametrize(
        ("puts", "deletes"), [(["a", "a"], []), (["a"], ["a"]), ([""], []), ([], ["b", "b"])]
    )
    def test_a_repeated_or_empty_id_is_refused(
        self, store: Store, puts: list[str], deletes: list[str]
    ) -> None:
        with pytest.raises(InvalidArgumentError):
            store.write_products([put(i) for i in puts], deletes)

        assert store.revision() == 0

    def test_an_event_id_counts_once_even_within_one_write(self, store: Store) -> None:
        first = store.write_events([event("1", "a"), event("1", "b"), event("2", "a")])
        second = store.write_events([event("2", "b"), event("3", "a")])

        assert list(first.fresh) == [True, False, True]
        assert list(second.fresh) == [False, True]
        assert [e.id for e in store.user_events("a", 9)] == ["3", "2", "1"]
        assert store.user_events("b", 9) == []

    def test_events_of_a_user_come_newest_first_by_time_then_sequence_then_row(
        self, store: Store
    ) -> None:
        store.write_events(
            [
                event("late", time_us=9),
                event("early", time_us=1),
                event("same-2", time_us=5, sequence=2),
                event("same-1", time_us=5, sequence=1),
                event("same-1-again", time_us=5, sequence=1),
                event("other", user="v", time_us=7),
                event("nobody", user="", time_us=7),
            ]
        )

        ids = [e.id for e in store.user_events("u", 99)]

        assert ids == ["late", "same-2", "same-1-again", "same-1", "early"]
        assert [e.id for e in store.user_events("u", 2)] == ids[:2]
        assert store.user_events("", 99) == []

    def test_a_scan_of_events_begins_at_the_asked_row(self, store: Store) -> None:
        store.write_events([event("1"), event("2"), event("3")])
        rows = dict(store.scan_events())

        later = [e.id for _, e in store.scan_events(sorted(rows)[1])]

        assert later == ["2", "3"]

    def test_vectors_follow_their_product(self, store: Store) -> None:
        keys = store.write_products(
            [
                put("a", text_vector=b"\x00\x01", encoder_id="m1", text_hash=b"h"),
                put("b", text_vector=b"\x00\x02", encoder_id="m2"),
                put("none"),
                put("gone", text_vector=b"\x00\x03", encoder_id="m1"),
            ]
        ).keys
        store.write_products([], ["gone"])

        assert [(v.key, v.packed_f16) for v in store.scan_vectors("m1")] == [(keys[0], b"\x00\x01")]
        assert store.get_vectors(keys, "m2") == {keys[1]: b"\x00\x02"}

    def test_a_product_that_loses_its_text_loses_its_vector(self, store: Store) -> None:
        key = store.write_products([put("a", text_vector=b"v1", encoder_id="m")]).keys[0]
        store.write_products([put("a", text_vector=b"v2", encoder_id="m")])
        replaced = store.get_vectors([key], "m")
        store.write_products([put("a")])

        assert replaced == {key: b"v2"}
        assert list(store.scan_vectors("m")) == []

    def test_products_are_listed_in_the_order_of_the_bytes_of_their_ids(self, store: Store) -> None:
        ids = ["b", "a", "Z", "a\x01b", "é", "牛", "\U0001f95b", "\uffee", "a'; DROP TABLE x;--"]
        store.write_products([put(i) for i in ids])

        listed = [s.product.id for s in store.list_products("", 99)]
        paged = [s.product.id for s in store.list_products(listed[2], 3)]

        assert listed == sorted(ids, key=str.encode)
        assert paged == listed[3:6]
        assert store.list_products("", 0) == []
        assert store.list_products("", -1) == []

    def test_many_callers_at_once_lose_nothing_and_hurt_nobody(self, store: Store) -> None:
        store.write_products([put("shared", "e0")])

        def call(i: int) -> bool:
            try:
                expected = "stale" if i % 3 == 0 else ""
                store.write_products([put(f"p{i}"), put("shared", "e0", expected_etag=expected)])
            except AbortedError:
                return False
            # What was written is seen at once.
            return list(store.get_products([f"p{i}"])) == [f"p{i}"]

        with ThreadPoolExecutor(16) as pool:
            done = list(pool.map(call, range(120)))

        assert done == [i % 3 != 0 for i in range(120)]
        assert store.product_count() == 81
        assert [c.revision for c in store.changes(0, 999)] == list(range(1, 82))

    def test_a_closed_store_refuses_writes_and_closes_twice(self, store: Store) -> None:
        store.close()
        store.close()

        with pytest.raises(UnavailableError):
            store.write_products([put("a")])
