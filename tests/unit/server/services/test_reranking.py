"""Search over the products that a caller names, with a reranker that reads them."""

import time

import numpy as np
import pytest

from relatum_server.domain import Attribute, EvidenceKind, Product
from relatum_server.services.ranked import Paging
from relatum_server.services.reranking import MOST_READ
from relatum_server.services.search import SearchQuery
from tests.unit.server.services.conftest import RERANKER_WEIGHT, build_shop

IDS = ("a", "b", "c")
SCORES = {"milk a": -2.0, "milk b": 4.0, "milk c": 1.0}


class Knows:
    """Scores of texts, 1 for any other, what was read and until when it was to be done."""

    def __init__(self) -> None:
        self.read: list[tuple[str, str]] = []
        self.deadlines: list[float | None] = []

    def scores(self, query, texts, *, deadline=None):
        self.read += [(query, text) for text in texts]
        self.deadlines.append(deadline)
        return np.array([SCORES.get(text, 1.0) for text in texts], np.float32)


@pytest.fixture
def reranker():
    return Knows()


@pytest.fixture
def shop(tmp_path, reranker):
    shop = build_shop(tmp_path, reranker=reranker)
    shop.add(*(Product(i, f"milk {i}") for i in IDS))
    return shop


def ids(page):
    return [line.product_id for line in page.results]


def test_named_products_are_ordered_by_what_reading_them_adds(shop, reranker):
    page = shop.search.search(SearchQuery("milk", candidate_ids=IDS), Paging())

    assert ids(page) == ["b", "c", "a"]
    assert sorted(reranker.read) == [("milk", text) for text in SCORES]
    for line in page.results:
        parts = {part.kind: part.contribution for part in line.evidence}
        expected = RERANKER_WEIGHT * SCORES[f"milk {line.product_id}"]
        assert parts[EvidenceKind.RERANKER] == pytest.approx(expected)
        assert sum(parts.values()) == pytest.approx(line.score)


@pytest.mark.parametrize(
    "changes",
    [
        {"disable_reranking": True, "candidate_ids": IDS},
        {"disable_semantic": True, "candidate_ids": IDS},
        {"candidate_ids": ()},
    ],
    ids=["turned off", "words alone", "the whole catalogue"],
)
def test_else_nothing_is_read(shop, reranker, changes):
    page = shop.search.search(SearchQuery("milk", **changes), Paging())

    assert len(page.results) == len(IDS)
    assert reranker.read == []
    kinds = {part.kind for line in page.results for part in line.evidence}
    assert EvidenceKind.RERANKER not in kinds


def test_the_reranker_knows_until_when_the_caller_waits(shop, reranker):
    deadline = time.monotonic() + 60.0

    shop.search.search(SearchQuery("milk", candidate_ids=IDS), Paging(deadline=deadline))

    assert reranker.deadlines == [deadline]


def test_the_corrected_query_is_read(shop, reranker):
    page = shop.search.search(SearchQuery("mlik", candidate_ids=IDS), Paging())

    assert page.corrected_query == "milk"
    assert {query for query, _ in reranker.read} == {"milk"}


def test_only_the_best_are_read_and_the_others_stay_behind_them(shop, reranker):
    more = [f"x{i:03}" for i in range(MOST_READ + 20)]
    shop.add(*(Product(i, f"bread {i}") for i in more))

    page = shop.search.search(SearchQuery("milk", candidate_ids=(*IDS, *more)), Paging(size=100))

    assert len(reranker.read) == MOST_READ
    assert ids(page)[0] == "b"
    unread = {*more} - {text.split()[1] for _, text in reranker.read}
    assert len(unread) == len(more) + len(IDS) - MOST_READ
    added = {
        line.product_id: part.contribution
        for line in page.results
        for part in line.evidence
        if part.kind is EvidenceKind.RERANKER
    }
    least = RERANKER_WEIGHT * min(SCORES["milk a"], 1.0)
    assert {added[i] for i in unread} == {least}


def test_products_without_text_are_not_read(shop, reranker):
    shop.add(Product("bare", attributes={"size": Attribute(text=("500 g",))}))

    page = shop.search.search(SearchQuery("milk", candidate_ids=("bare", "b")), Paging())

    assert ids(page)[0] == "b"
    assert [text for _, text in reranker.read] == ["milk b"]
