"""The catalogue's services over fakes."""

import numpy as np
import pytest

from relatum_server.domain import (
    GivenVector,
    ItemFailure,
    Money,
    Product,
    ProductWrite,
    Rating,
)
from relatum_server.errors import (
    AbortedError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
)
from relatum_server.services.catalog import Replay
from relatum_server.services.catalog_import import ImportMode
from relatum_server.services.ranked import Paging
from relatum_server.services.search import SearchQuery
from relatum_server.store.base import Request


def write(product_id, title="a title", **fields):
    return ProductWrite(Product(product_id, title, **fields))


def given(vector, encoder_id="fake-encoder", space="text"):
    return (GivenVector(space, np.asarray(vector, "<f2").tobytes(), encoder_id),)


def test_a_write_gives_new_etags_and_a_revision_that_a_read_sees(shop):
    first = shop.catalog.upsert([write("a"), write("b")])
    second = shop.catalog.upsert([write("a", "other")])

    product, revision = shop.catalog.get("a", min_revision=second.revision)
    assert product.title == "other"
    assert product.etag == second.etags[0] != first.etags[0]
    assert revision == second.revision > first.revision


def test_equal_texts_are_encoded_once_and_unchanged_ones_not_again(shop):
    shop.catalog.upsert([write("a", "milk"), write("b", "milk")])
    shop.catalog.upsert([write("a", "milk", brand="Farm")])
    shop.catalog.upsert([write("a", "bread")])

    assert shop.encoder.encoded == ["milk", "bread"]


def test_a_product_without_words_is_written_and_reported(shop):
    outcome = shop.catalog.upsert([write("a", "", categories=("<br>",))])

    assert outcome.without_text_vector == ["a"]
    assert len(shop.live.text) == 0


def test_a_given_vector_is_taken_instead_of_encoding(shop):
    vector = np.zeros(64)
    vector[3] = 5.0

    shop.catalog.upsert([ProductWrite(Product("a", "milk"), given(vector))])

    stored, _ = shop.live.text.get(shop.live.keys.keys_of(["a"]))
    assert shop.encoder.encoded == []
    assert stored[0, 3] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (given(np.zeros(64)), "all zero"),
        (given(np.full(64, np.nan)), "not finite"),
        (given(np.ones(63)), "126 bytes where 128"),
        (given(np.ones(64), space="image"), "give 'text'"),
    ],
)
def test_a_vector_that_cannot_be_one_is_refused_by_name(shop, vectors, message):
    with pytest.raises(InvalidArgumentError, match=message) as error:
        shop.catalog.upsert([ProductWrite(Product("a", "milk"), vectors)])
    assert error.value.violations[0].field.startswith("products[0].vectors[0]")
    assert shop.store.product_count() == 0


def test_another_encoders_vector_is_refused(shop):
    with pytest.raises(InvalidArgumentError) as error:
        shop.catalog.upsert([ProductWrite(Product("a", "m"), given(np.ones(64), "other"))])
    assert error.value.reason == "ENCODER_MISMATCH"


def test_a_mask_changes_only_its_fields(shop):
    shop.catalog.upsert([write("a", "milk", brand="Farm")])

    shop.catalog.upsert([write("a", "ignored", brand="Alm")], update_mask=("brand",))

    product, _ = shop.catalog.get("a")
    assert (product.title, product.brand) == ("milk", "Alm")


def test_a_mask_over_an_unknown_product_is_not_found(shop):
    with pytest.raises(NotFoundError) as error:
        shop.catalog.upsert([write("x")], update_mask=("brand",))
    assert error.value.reason == "PRODUCT_NOT_FOUND"


def test_an_old_etag_aborts_the_write(shop):
    old = shop.catalog.upsert([write("a")]).etags[0]
    shop.catalog.upsert([write("a", "new")])

    with pytest.raises(AbortedError):
        shop.catalog.upsert([ProductWrite(Product("a", "late"), expected_etag=old)])
    assert shop.catalog.get("a")[0].title == "new"


def test_all_that_is_wrong_is_named_at_once_up_to_twenty(shop):
    bad = [
        write(f"p{i}", "", price=Money("usd", -1), rating=Rating(float("nan"), -1))
        for i in range(10)
    ]

    with pytest.raises(InvalidArgumentError) as error:
        shop.catalog.upsert(bad)

    fields = [violation.field for violation in error.value.violations]
    assert len(fields) == 20
    assert fields[:2] == ["products[0].price.currency_code", "products[0].price.units"]


@pytest.mark.parametrize(
    ("product", "field"),
    [
        (Product("", "t"), "products[0].id"),
        (Product("a\n", "t"), "products[0].id"),
        (Product("é" * 65, "t"), "products[0].id"),
        (Product("a", "t\x00"), "products[0].title"),
        (Product("a", "t" * 4097), "products[0].title"),
        (Product("a", "t", categories=("c",) * 17), "products[0].categories"),
        (Product("a", ""), "products[0].title"),
    ],
)
def test_a_product_beyond_a_limit_is_refused_with_its_field(shop, product, field):
    with pytest.raises(InvalidArgumentError) as error:
        shop.catalog.upsert([ProductWrite(product)])
    assert error.value.violations[0].field == field


def test_the_same_id_twice_in_one_write_is_refused(shop):
    with pytest.raises(InvalidArgumentError, match=r"products\[1\].id: the same as"):
        shop.catalog.upsert([write("a"), write("a")])


def test_more_than_256_products_are_refused(shop):
    with pytest.raises(InvalidArgumentError, match="257 entries"):
        shop.catalog.upsert([write(str(i)) for i in range(257)])


def test_a_repeated_request_id_returns_the_first_reply_and_writes_nothing(shop):
    request = Request("UpsertProducts", "r1", b"body")

    first = shop.catalog.upsert(
        [write("a")], request=request, serialise=lambda outcome: outcome.etags[0].encode()
    )
    again = shop.catalog.upsert([write("a")], request=request)

    assert again == Replay(first.etags[0].encode())
    assert shop.store.revision() == first.revision


def test_deleted_products_are_found_no_more_and_unknown_ones_reported(shop):
    shop.catalog.upsert([write("a", "milk"), write("b", "milk")])

    outcome = shop.catalog.delete(["a", "x"])

    page = shop.search.search(SearchQuery("milk"), Paging())
    assert (outcome.deleted, list(outcome.missing_product_ids)) == (1, ["x"])
    assert [line.product_id for line in page.results] == ["b"]


def test_a_list_pages_through_all_products_in_the_order_of_their_ids(shop):
    shop.catalog.upsert([write(i) for i in ("c", "a", "Z", "é")])

    seen, token = [], ""
    while True:
        page = shop.catalog.list(size=3, page_token=token)
        seen += [product.id for product in page.products]
        token = page.next_page_token
        if not token:
            break

    assert seen == ["Z", "a", "c", "é"]
    assert page.total_size == 4


def test_a_filtered_list_counts_and_pages_the_matches(shop):
    shop.catalog.upsert([write(str(i), brand="Farm" if i % 2 else "Alm") for i in range(9)])

    first = shop.catalog.list(size=3, filter_text='brand = "Farm"')
    second = shop.catalog.list(
        size=3, filter_text='brand = "Farm"', page_token=first.next_page_token
    )

    assert [p.id for p in (*first.products, *second.products)] == ["1", "3", "5", "7"]
    assert first.total_size == 4


def test_a_tampered_page_token_is_refused(shop):
    shop.catalog.upsert([write("a"), write("b")])
    token = shop.catalog.list(size=1).next_page_token

    for bad in (token[:-2] + "AA", "zz", "é", token + "A"):
        with pytest.raises(InvalidArgumentError) as error:
            shop.catalog.list(size=1, page_token=bad)
        assert error.value.reason == "INVALID_PAGE_TOKEN"


def test_an_import_writes_the_good_products_and_reports_the_bad_with_their_places(shop):
    lines = [
        (0, write("a")),
        (1, write("")),
        (2, ItemFailure(2, "m", "MALFORMED", "x")),
        (3, write("a")),
        (4, write("b")),
    ]

    outcome = shop.imports.import_products([lines[:2], lines[2:]])

    assert (outcome.received, outcome.written, outcome.failed) == (5, 2, 3)
    assert [(e.index, e.reason) for e in outcome.errors] == [
        (1, "INVALID_ARGUMENT"),
        (2, "MALFORMED"),
        (3, "DUPLICATE_ID"),
    ]


def test_a_wrong_etag_in_an_import_refuses_that_product_alone(shop):
    shop.catalog.upsert([write("a")])
    late = ProductWrite(Product("a", "late"), expected_etag="old")

    outcome = shop.imports.import_products([[(0, late), (1, write("b"))]])

    assert (outcome.written, outcome.errors[0].reason) == (1, "ETAG_MISMATCH")


def test_a_full_import_deletes_what_it_did_not_name(shop):
    shop.catalog.upsert([write(str(i)) for i in range(10)])
    lines = [(i, write(str(i))) for i in range(8)]

    outcome = shop.imports.import_products([lines], mode=ImportMode.FULL)

    assert outcome.deleted == 2
    assert len(shop.live) == 8


def test_a_full_import_that_would_delete_more_than_a_fifth_is_refused(shop):
    shop.catalog.upsert([write(str(i)) for i in range(10)])
    lines = [(i, write(str(i))) for i in range(7)]

    with pytest.raises(FailedPreconditionError) as error:
        shop.imports.import_products([lines], mode=ImportMode.FULL)
    assert error.value.reason == "TOO_MANY_DELETIONS"
    assert len(shop.live) == 10

    outcome = shop.imports.import_products([lines], mode=ImportMode.FULL, force_delete=True)
    assert outcome.deleted == 3


def test_a_full_import_keeps_what_it_named_and_refused(shop):
    shop.catalog.upsert([write(str(i)) for i in range(10)])
    lines = [(i, write(str(i))) for i in range(9)] + [(9, write("9", "t\x00"))]

    outcome = shop.imports.import_products([lines], mode=ImportMode.FULL)

    assert (outcome.failed, outcome.deleted) == (1, 0)


def test_a_restarted_server_finds_what_was_written(shop):
    shop.catalog.upsert([write("a", "milk"), write("b", "bread")])
    shop.catalog.delete(["b"])

    again = shop.restarted()

    page = again.search.search(SearchQuery("milk bread"), Paging())
    assert [line.product_id for line in page.results] == ["a"]
    assert again.live.revision == shop.live.revision
    assert again.encoder.encoded == ["milk bread"]
