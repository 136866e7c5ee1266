"""What of a batch is no negative."""

import numpy as np

from relatum_export.training.encoder_recipe.false_negatives import FalseNegatives, Guide
from relatum_export.training.encoder_recipe.noise import Noise
from relatum_export.training.encoder_recipe.pair_sets import PairSet
from relatum_export.training.encoder_recipe.tables import (
    KnownPairs,
    RunTexts,
    Sides,
    make_table,
)
from relatum_export.training.pairs import Pair
from tests.unit.export.training.encoder_recipe.pair_sources import product, seeded, source_of

SILENT = Noise(0.0, 0.0, 0.0)
KIND = "query_product"


def masks_of(pairs, *, known=(), groups=(), guide=None):
    source = source_of([product(f"title {i}") for i in range(4)], groups)
    sides, texts = Sides(source), RunTexts()
    one = PairSet(source, KIND, False, tuple(pairs))
    table = make_table(one, pairs, sides, texts, noise=SILENT, seed=0)
    hard = np.zeros((len(pairs), 0), dtype=np.int64)
    both = [(sides.number(a), sides.number(b)) for a, b in known]
    return FalseNegatives(table, KnownPairs(both), guide, hard).masks(np.arange(len(pairs)))


def pairs_of(*sides):
    return [Pair(a, b, 1.0, KIND) for a, b in sides]


def test_without_a_reason_nothing_is_masked():
    forward, backward = masks_of(pairs_of(("x", 0), ("y", 1)))

    assert not forward.any()
    assert not backward.any()


def test_a_known_partner_of_the_anchor_is_no_negative_though_it_was_not_drawn_with_it():
    forward, backward = masks_of(pairs_of(("x", 0), ("y", 1)), known=[("x", 1)])

    assert forward.tolist() == [[False, True], [False, False]]
    assert backward.tolist() == [[False, False], [True, False]]


def test_variants_of_one_group_are_no_negatives_of_each_other():
    forward, _ = masks_of(pairs_of(("x", 0), ("y", 1), ("z", 2)), groups=["g", "g", "h", "i"])

    assert forward.tolist() == [[False, True, False], [True, False, False], [False] * 3]


def test_the_same_query_twice_masks_the_other_direction():
    _, backward = masks_of(pairs_of(("X", 0), ("x", 1)))

    assert backward.tolist() == [[False, True], [True, False]]


def test_the_partner_itself_is_never_masked():
    forward, backward = masks_of(pairs_of(("x", 0), ("y", 1)), known=[("x", 0), ("y", 1)])

    assert not forward.any()
    assert not backward.any()


def test_a_negative_that_the_base_finds_nearer_than_the_partner_is_masked():
    similar = np.array([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0], [1.0, 0.0]], dtype=np.float32)
    # anchors x, y and products 0, 1 in the order in which the table numbers them: x, y, 0, 1
    guide = Guide(similar[[0, 1, 2, 3]], relative=False, margin=0.0, floor=0.0)

    forward, _ = masks_of(pairs_of(("x", 0), ("y", 1)), guide=guide)

    assert forward.tolist() == [[False, True], [False, False]]


def test_the_guides_margin_widens_the_mask_and_its_floor_narrows_it():
    similarity = np.array([[0.6, 0.55], [0.1, 0.2]], dtype=np.float32)
    partner = np.array([0.6, 0.2], dtype=np.float32)
    vectors = np.zeros((0, 1), np.float32)

    absolute = Guide(vectors, relative=False, margin=0.1, floor=0.0).nearer(similarity, partner)
    relative = Guide(vectors, relative=True, margin=0.05, floor=0.0).nearer(similarity, partner)
    floored = Guide(vectors, relative=False, margin=0.1, floor=0.58).nearer(similarity, partner)

    assert absolute.tolist() == [[True, True], [False, True]]
    assert relative.tolist() == [[True, False], [False, True]]
    assert floored.tolist() == [[True, False], [False, False]]


def test_known_pairs_answer_as_a_set_does():
    draw = seeded()
    pairs = [(draw.randrange(30), draw.randrange(30)) for _ in range(40)]
    a, b = np.arange(30), np.arange(30)

    found = KnownPairs(pairs).among(a, b)

    expected = {*pairs, *((y, x) for x, y in pairs)}
    assert {(int(x), int(y)) for x, y in np.argwhere(found)} == expected
