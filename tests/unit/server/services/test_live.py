"""Projections keep up with the store in the order of revisions."""

import threading
import time

import pytest

from relatum_server.domain import Product, ProductWrite
from relatum_server.errors import FailedPreconditionError
from relatum_server.services.ranked import Paging
from relatum_server.services.search import SearchQuery
from relatum_server.store.base import ProductPut


def test_what_another_writer_committed_is_shown_with_the_next_write(shop):
    shop.store.write_products([ProductPut(Product("other", "oat milk", etag="e"))])

    shop.catalog.upsert([ProductWrite(Product("own", "tea"))])

    assert "other" in shop.live.keys
    assert shop.live.revision == shop.store.revision() == 2


def test_many_writers_end_at_the_stores_revision_with_every_product(shop):
    def work(name):
        for i in range(20):
            shop.catalog.upsert([ProductWrite(Product(f"{name}-{i}", "milk"))])

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(shop.live) == 80
    assert shop.live.revision == shop.store.revision() == 80


def test_a_read_waits_for_the_revision_that_it_asked_for(shop):
    done = []

    def read():
        page = shop.search.search(
            SearchQuery("milk"), Paging(min_revision=1, deadline=time.monotonic() + 30)
        )
        done.append([line.product_id for line in page.results])

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    shop.catalog.upsert([ProductWrite(Product("a", "milk"))])
    reader.join()

    assert done == [["a"]]


def test_a_read_without_time_left_says_where_the_catalogue_is(shop):
    with pytest.raises(FailedPreconditionError, match="the catalogue is at 0"):
        shop.live.wait_for_revision(1, time.monotonic())
