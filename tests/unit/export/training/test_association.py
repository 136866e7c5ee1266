"""Pairs that chance does not explain, of each product the strongest."""

import numpy as np
import pytest
from scipy import sparse

from relatum_export.training import association
from relatum_export.training.association import associations, pair_counts, significant
from relatum_export.training.products import Catalogue


def counted(pairs):
    """Counts {(a, b): k} as a triangle of [4, 4]."""
    (rows, columns), data = zip(*pairs, strict=True), list(pairs.values())
    return sparse.coo_matrix((np.array(data, np.float32), (rows, columns)), (4, 4))


def test_a_basket_counts_once_for_each_pair_and_each_product():
    together, totals, baskets = pair_counts([[0, 1], [0, 1, 2], [2], []], 3)

    assert together.toarray().tolist() == [[0, 2, 1], [0, 0, 1], [0, 0, 0]]
    assert totals.tolist() == [2, 2, 2]
    assert baskets == 3


def test_a_stock_list_counts_for_nothing():
    together, totals, baskets = pair_counts([list(range(association.MAX_BASKET + 1))], 200)

    assert (together.nnz, totals.sum(), baskets) == (0, 0, 0)


def test_popular_products_that_meet_as_often_as_chance_are_no_pair():
    counts = counted({(0, 1): 250, (2, 3): 20})
    totals = np.array([500.0, 500.0, 30.0, 30.0])  # by chance 0 and 1 meet 250 times in 1,000

    kept = significant(counts, totals, 1000)

    assert [(counts.row[i], counts.col[i]) for i in kept] == [(2, 3)]


@pytest.mark.parametrize(("count", "kept"), [(2, 0), (3, 1)])
def test_two_baskets_are_too_few(count, kept):
    counts = counted({(0, 1): count})

    assert len(significant(counts, np.full(4, 3.0), 100_000)) == kept


def test_of_each_product_the_most_significant_partners_stay(monkeypatch):
    monkeypatch.setattr(association, "PARTNERS", 1)
    counts = counted({(0, 1): 30, (0, 2): 20, (2, 3): 25, (1, 3): 10})
    totals = np.full(4, 60.0)

    kept = significant(counts, totals, 10_000)

    assert [(counts.row[i], counts.col[i]) for i in kept] == [(0, 1), (2, 3)]


@pytest.fixture
def shop(corpus, monkeypatch):
    """Baskets of three products, of which p1 and p2 are variants, and a fourth that no one has."""
    found = [["p1", "p3"], ["p1", "p3"], ["p2", "p3"], ["p2", "p1"], ["gone", "p3"]]
    found += [["p4", "p5"]] * 200
    monkeypatch.setattr(association, "baskets", lambda events, bundles, split: found)
    monkeypatch.setattr(type(corpus), "has", lambda self, table: table == "events")
    monkeypatch.setattr(type(corpus), "table", lambda self, table: table)
    products = Catalogue.read(corpus).products
    catalogue = Catalogue(
        ("p2", "p1", "p3", "p4", "p5"), (products * 2)[:5], ("shoe", "shoe", "hat", "x", "y")
    )
    return corpus, catalogue


def test_variants_count_as_one_and_the_most_bought_stands_for_them(shop, monkeypatch):
    monkeypatch.setattr(association, "MIN_PAIRS", 1)

    found = associations(shop[0], shop[1], "train")

    assert [(pair.a, pair.b, pair.count) for pair in found] == [(1, 2, 3)]


def test_a_shop_with_too_few_baskets_has_none(shop):
    assert associations(shop[0], shop[1], "train") == []


def test_a_corpus_without_baskets_has_none(corpus):
    assert associations(corpus, Catalogue.read(corpus), "train") == []
