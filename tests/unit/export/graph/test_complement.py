"""Complement vectors say what leads to what, and not the way back."""

import numpy as np
import pytest
from scipy import sparse

from relatum_export.artifact.copurchase import Baskets, baskets, purchases
from relatum_export.graph.complement import (
    Complement,
    candidates,
    complement_vectors,
    pair_counts,
    weighed,
)
from relatum_export.graph.settings import ComplementSettings
from tests.unit.export.evaluation.corpora import event, write_corpus

SETTINGS = ComplementSettings(dimension=4)
WEIGHTINGS = (Complement("scaled", 0.0, 0.25), Complement("ppmi", 0.0, 0.75))


def bought(folder, events):
    items = sorted({str(e["item_id"]) for e in events})
    return baskets(purchases(write_corpus(folder, items, events), ("train",)))


@pytest.fixture
def histories(tmp_path):
    """Printers lead to ink and paper, pans to lids and oil; never the other way round."""
    events = []
    for i in range(40):
        story = ("printer", "ink", "paper") if i % 2 else ("pan", "lid", "oil")
        events += [event(f"u{i}", item, position=at) for at, item in enumerate(story)]
    return bought(tmp_path, events)


def fit(data, complement):
    counts = pair_counts(data, complement.next_basket_weight, 50)
    return complement_vectors(data, counts, complement, SETTINGS, 0)


@pytest.mark.parametrize("complement", WEIGHTINGS)
def test_what_follows_scores_above_what_never_meets_and_above_the_way_back(histories, complement):
    found = fit(histories, complement)
    row = {item: i for i, item in enumerate(found.item_ids)}

    def score(a, b):
        return float(found.leading[row[a]] @ found.led[row[b]])

    assert score("printer", "ink") > score("printer", "lid") + 0.05
    assert score("printer", "ink") > score("ink", "printer") + 0.05


@pytest.mark.parametrize("complement", WEIGHTINGS)
def test_two_fits_give_the_same_vectors(histories, complement):
    first, second = fit(histories, complement), fit(histories, complement)

    assert first.item_ids == second.item_ids
    assert (first.leading == second.leading).all()
    assert (first.led == second.led).all()


def test_out_times_in_gives_the_matrix_back_where_the_rank_allows():
    counts = sparse.csr_matrix(np.array([[0, 4, 1], [2, 0, 0], [0, 3, 0]], np.float32))

    bought = sparse.csr_matrix(np.full((5, 3), 1, np.float32))
    data = Baskets(("a", "b", "c"), bought, sparse.csr_matrix((5, 5), dtype=np.float32), True)
    complement = Complement("scaled", 0.0, 0.25)
    found = complement_vectors(data, counts, complement, ComplementSettings(dimension=2), 0)
    left, singular, right = np.linalg.svd(weighed(counts, complement).toarray())
    nearest = left[:, :2] * singular[:2] @ right[:2]

    np.testing.assert_allclose(found.leading @ found.led.T, nearest, atol=1e-5)


def test_ppmi_by_the_formula():
    counts = sparse.csr_matrix(np.array([[0, 3], [1, 0]], np.float32))

    found = weighed(counts, Complement("ppmi", 0.0, 1.0, shift=1.2)).toarray()

    expected = np.log(4 * 3 / (3 * 3)) - np.log(1.2)
    assert found[0, 1] == pytest.approx(max(expected, 0), abs=1e-6)
    assert found[1, 0] == pytest.approx(np.log(4) - np.log(1.2), abs=1e-6)


def test_the_next_basket_gives_a_direction_where_baskets_have_none(tmp_path):
    events = []
    for time, (session, item) in enumerate((("1", "printer"), ("2", "ink"))):
        events += [event("u", item, session_id=session, timestamp=time)]
        events += [event("u", "bag", session_id=session, timestamp=time)]
    data = bought(tmp_path, events)
    at = {item: i for i, item in enumerate(data.item_ids)}

    alone, ahead = pair_counts(data, 0.0, 9), pair_counts(data, 0.5, 9)

    assert (alone != alone.T).nnz == 0
    assert ahead[at["printer"], at["ink"]] == 0.5
    assert ahead[at["ink"], at["printer"]] == 0


def test_only_the_most_frequent_pairs_of_a_product_are_kept(histories):
    counts = pair_counts(histories, 0.0, 1)

    assert np.diff(counts.indptr).max() == 1


def test_products_below_the_least_count_get_no_vector(tmp_path):
    events = [event("u", item, position=at) for at, item in enumerate("abcd")]
    events += [event("v", item, position=at) for at, item in enumerate("abc")]

    found = fit(bought(tmp_path, events), WEIGHTINGS[0])

    assert "d" not in found.item_ids
    assert set(found.item_ids) <= set("abc")


def test_two_products_are_too_few_for_vectors(tmp_path):
    events = [event(u, item, position=at) for u in "uvw" for at, item in enumerate("ab")]

    assert fit(bought(tmp_path, events), WEIGHTINGS[0]).item_ids == ()


def test_the_next_basket_is_tried_only_where_there_are_baskets(histories):
    tried = candidates(ComplementSettings(), histories)

    assert {each.next_basket_weight for each in tried} == {0.0}
    assert {each.weighting for each in tried} == {"scaled", "ppmi"}
