"""What people's labels say, read from a set's pairs."""

import numpy as np
import pytest

from relatum_export.errors import InputError
from relatum_export.training.association_head.classes import Label
from relatum_export.training.association_head.people import people_pairs
from tests.unit.export.evaluation.corpora import write_corpus

ITEMS = ("p", "q", "r")
ROWS = {item: row for row, item in enumerate(ITEMS)}


def pair(a, b, **more):
    return {"item_id_a": a, "item_id_b": b, "split": "train", **more}


def read(tmp_path, rows, split="train", relations=None, *, soft_votes=False):
    corpus = write_corpus(tmp_path / "set", ITEMS, tables={"pairs": rows})
    return people_pairs(corpus, ROWS, split, relations or {}, soft_votes=soft_votes)


def test_a_set_that_never_says_same_folds_it_into_substitute(tmp_path):
    found = read(
        tmp_path,
        [pair("p", "q", relation="substitute"), pair("q", "r", relation="other")],
    )

    assert found.labels.tolist() == [Label.ALIKE, Label.UNRELATED]


def test_a_set_that_says_same_keeps_substitute_apart(tmp_path):
    found = read(
        tmp_path,
        [pair("p", "q", relation="substitute"), pair("q", "r", relation="Exact")],
    )

    assert found.labels.tolist() == [Label.SUBSTITUTE, Label.SAME]


def test_not_the_same_product_leaves_the_rest_open(tmp_path):
    found = read(tmp_path, [pair("p", "q", same_product=1), pair("q", "r", same_product=0)])

    assert found.labels.tolist() == [Label.SAME, Label.NOT_SAME]
    assert set(found.sources) == {"people"}


def test_pairs_keep_their_direction_and_unknown_products_are_left_out(tmp_path):
    found = read(
        tmp_path,
        [pair("q", "p", relation="complement"), pair("p", "gone", relation="complement")],
    )

    assert (found.a.tolist(), found.b.tolist()) == ([1], [0])


def test_pairs_of_other_splits_and_without_a_label_are_left_out(tmp_path):
    rows = [
        pair("p", "q", relation="other") | {"split": "valid"},
        pair("q", "r", relation=None),
        pair("p", "r", relation="other"),
    ]

    assert len(read(tmp_path, rows)) == 1
    assert len(read(tmp_path, rows, "valid")) == 1


def test_votes_become_shares_by_what_they_stand_for_on_agreed_pairs(tmp_path):
    rows = [
        pair("p", "q", relation="substitute", vote1=1, vote2=1, vote3=1),
        pair("p", "r", relation="other", vote1=9, vote2=9, vote3=9),
        pair("q", "r", relation="other", vote1=9, vote2=9, vote3=1),
        pair("q", "p", relation=None, vote1=1, vote2=9, vote3=5),
    ]

    found = read(tmp_path, rows, soft_votes=True)

    shares = found.targets[:, [Label.UNRELATED, Label.ALIKE]]
    assert np.allclose(shares, np.array([[0, 1], [1, 0], [2 / 3, 1 / 3]]))
    assert len(found) == 3  # what 5 stands for nobody can say, and there is no majority


def test_an_unknown_relation_is_refused_until_the_config_names_its_class(tmp_path):
    rows = [pair("p", "q", relation="Accessory")]

    with pytest.raises(InputError, match=r"'accessory', which is no class.*relations ="):
        read(tmp_path, rows)
    found = read(tmp_path, rows, relations={"accessory": "complement"})

    assert found.labels.tolist() == [Label.COMPLEMENT]
