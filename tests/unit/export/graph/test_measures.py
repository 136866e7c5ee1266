"""On how many products of held-out baskets the graph's settings are compared."""

import pytest

from relatum_export.graph import measures
from relatum_export.graph.measures import MatesMeasure, purchase_measure
from tests.unit.export.evaluation.corpora import event, write_corpus

ITEMS = [f"p{i:02d}" for i in range(40)]


@pytest.fixture
def corpus(tmp_path):
    """Twenty baskets of two products, all different."""
    events = [
        event(f"u{i // 2}", item, "valid", session_id=f"b{i // 2}", timestamp=i)
        for i, item in enumerate(ITEMS)
    ]
    return write_corpus(tmp_path / "corpus", ITEMS, events)


def drawn(corpus, **limits):
    measure = purchase_measure(corpus, seed=0, **limits)
    assert isinstance(measure, MatesMeasure)
    assert len(measure.units) == len(measure.groups)
    return measure


def test_a_small_shop_is_asked_whole(corpus):
    assert len(drawn(corpus, max_cases=100).groups) == 20


def test_no_more_baskets_are_asked_than_the_settings_say(corpus):
    assert len(drawn(corpus, max_cases=7).groups) == 7


def test_no_basket_is_added_once_enough_products_are_asked(corpus, monkeypatch):
    monkeypatch.setattr(measures, "MOST_ASKED", 10)

    few = drawn(corpus, max_cases=100)

    assert sum(len(group) for group in few.groups) == 10
    assert few.units == drawn(corpus, max_cases=100).units
