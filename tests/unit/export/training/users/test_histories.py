"""What of a corpus's events becomes a shopper's history."""

import numpy as np
import pytest

from relatum_export.errors import InputError
from relatum_export.training.users.histories import Histories
from tests.unit.export.evaluation.corpora import event, write_corpus


def test_a_history_holds_the_purchases_of_the_fit_in_the_order_of_time(tmp_path):
    events = [
        event("u", "b", position=1),
        event("u", "a", position=0),
        event("u", "c", "valid", position=2),
        event("u", "a", "test", position=3),
        event("u", "c", position=4) | {"event_type": "RETURN"},
        event(None, "c"),
        event("v", "unknown"),
    ]
    corpus = write_corpus(tmp_path, ["c", "b", "a"], events)

    train, both = Histories.read(corpus, "train"), Histories.read(corpus, "train+valid")

    assert train.items == ("a", "b", "c")
    assert [(s.user, s.items.tolist()) for s in train.shoppers] == [("u", [0, 1])]
    assert both.shoppers[0].items.tolist() == [0, 1, 2]
    assert train.counts().tolist() == [1, 1, 0]
    assert not train.in_baskets
    assert not train.clock


def test_a_basket_holds_each_product_once_and_baskets_go_by_time_then_id(tmp_path):
    day = 86_400
    events = [
        event("u", "c", session_id="late", timestamp=3 * day),
        event("u", "b", session_id="early", timestamp=day + 5),
        event("u", "a", session_id="early", timestamp=day),
        event("u", "b", session_id="early", timestamp=day + 9),
        event("u", "a", session_id="also late", timestamp=3 * day),
        event("v", "a", session_id="x", timestamp=day),
    ]
    corpus = write_corpus(tmp_path, ["a", "b", "c"], events)

    histories = Histories.read(corpus, "train")

    assert histories.in_baskets
    assert histories.clock
    shopper = histories.shoppers[0]
    assert shopper.items.tolist() == [0, 1, 0, 2]
    assert shopper.baskets.tolist() == [0, 0, 1, 2]
    np.testing.assert_allclose(shopper.days, [1, 1, 3, 3])


@pytest.mark.parametrize("missing", ["events", "items"])
def test_a_corpus_without_items_or_events_is_refused(tmp_path, missing):
    items = [] if missing == "items" else ["a"]
    events = [] if missing == "events" else [event("u", "a")]
    corpus = write_corpus(tmp_path, items, events)

    with pytest.raises(InputError, match="no histories to learn from"):
        Histories.read(corpus, "train")
