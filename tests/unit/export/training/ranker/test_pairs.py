"""Pairs as the artifact has them."""

import numpy as np
import pytest
from scipy import sparse

from relatum_export.evaluation.transitions import Transitions, TransitionSettings, normalised
from relatum_export.training.ranker.pairs import (
    association_weights,
    heaviest,
    transition_counts,
    transition_table,
)
from tests.unit.export.evaluation.corpora import event, write_corpus

HISTORIES = [np.array([0, 1, 2]), np.array([1, 2]), np.array([2, 0])]


def test_only_the_heaviest_of_a_row_are_kept_and_ties_go_by_column():
    counts = sparse.csr_matrix(np.array([[3.0, 1.0, 3.0, 3.0], [0.0, 0.0, 5.0, 0.0]]))

    assert heaviest(counts, 2).toarray().tolist() == [[3, 0, 3, 0], [0, 0, 5, 0]]


def test_uncut_counts_give_the_weights_of_the_baseline():
    settings = TransitionSettings(2, 0.5)

    counts = transition_counts(HISTORIES, 3, settings, per_item=10)

    popularity = np.array([2.0, 2.0, 3.0])
    baseline = Transitions.fit([h.tolist() for h in HISTORIES], 3, settings)
    found = normalised(counts, popularity, settings)
    assert found.toarray() == pytest.approx(baseline.weights.toarray(), rel=1e-6)


def test_the_table_stands_in_the_order_in_which_a_server_reads_it():
    counts = transition_counts(HISTORIES, 3, TransitionSettings(1, 1.0, backwards=0.0), 10)

    rows = transition_table(counts, ["a", "b", "c"]).to_pylist()

    assert [(r["item_id_a"], r["item_id_b"], r["weight"]) for r in rows] == [
        ("a", "b", 1.0),
        ("b", "c", 2.0),
        ("c", "a", 1.0),
    ]


def test_the_association_is_the_shrunk_cosine_of_the_items_baskets(tmp_path):
    bought = [("1", "ab"), ("2", "ab"), ("3", "ac"), ("4", "b")]
    events = [
        event(f"u{basket}", item, session_id=basket, timestamp=int(basket))
        for basket, items in bought
        for item in items
    ]
    corpus = write_corpus(tmp_path, ["a", "b", "c"], events)

    weights = association_weights(corpus, "train", ["a", "b", "c"]).toarray()

    assert weights[0] == pytest.approx([0.0, 2 / (3 + 5), 1 / (np.sqrt(3) + 5)])
    assert weights == pytest.approx(weights.T)
