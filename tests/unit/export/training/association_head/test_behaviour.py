"""Weak labels: who is bought or viewed with whom, how often, and of which type."""

import numpy as np
import pytest

from relatum_export.training.association_head.behaviour import (
    BOUGHT,
    COMPANY,
    DRAWN,
    VIEWED,
    weak_pairs,
)
from relatum_export.training.association_head.classes import Label
from relatum_export.training.association_head.labelled import LabelledPairs
from relatum_export.training.association_head.product_types import ProductTypes
from tests.unit.export.evaluation.corpora import event, write_corpus

ALL = frozenset({Label.UNRELATED, Label.SUBSTITUTE, Label.COMPLEMENT})
ITEMS = tuple(f"{kind}{i}" for kind in ("cup", "tea", "hat", "nut", "pan") for i in range(4))
ROWS = {item: row for row, item in enumerate(ITEMS)}


def types():
    return ProductTypes.of([item[:3] for item in ITEMS], np.eye(len(ITEMS), dtype=np.float32), 0)


def sessions(*baskets, kind="PURCHASE", split="train"):
    return [
        event("u", item, split, session_id=f"{kind}{n:04d}") | {"event_type": kind}
        for n, basket in enumerate(baskets)
        for item in basket
    ]


def found(tmp_path, events, judged=None, classes=ALL, tables=None):
    corpus = write_corpus(tmp_path / "shop", ITEMS, events, tables)
    by_split = weak_pairs(
        corpus,
        ROWS,
        types(),
        judged or LabelledPairs.empty(),
        classes,
        max_pairs=100,
        unrelated_per_pair=2.0,
        seed=0,
    )
    return LabelledPairs.join(list(by_split.values()))


def pairs_of(pairs, label):
    chosen = pairs.take(pairs.labels == label)
    return {frozenset((ITEMS[a], ITEMS[b])) for a, b in zip(chosen.a, chosen.b, strict=True)}


FILLER = [("hat0", "nut0")] * 6 + [("nut1", "hat1"), ("pan2", "hat2")]


def test_bought_together_and_of_another_type_is_a_complement(tmp_path):
    weak = found(tmp_path, sessions(*[("cup0", "tea0")] * 3, *[("cup1", "cup2")] * 3, *FILLER))

    assert frozenset(("cup0", "tea0")) in pairs_of(weak, Label.COMPLEMENT)
    assert frozenset(("cup1", "cup2")) not in pairs_of(weak, Label.COMPLEMENT)
    assert set(weak.sources) == {BOUGHT, DRAWN}


def test_viewed_together_and_rarely_bought_together_is_a_substitute(tmp_path):
    events = sessions(*[("cup0", "cup1")] * 3, *[("tea0", "tea1")] * 3, *FILLER, kind="VIEW")
    events += sessions(*[("tea0", "tea1")] * 3, *FILLER, ("cup0", "hat0"), ("cup1", "nut0"))
    weak = found(tmp_path, events)

    assert frozenset(("cup0", "cup1")) in pairs_of(weak, Label.SUBSTITUTE)
    assert frozenset(("tea0", "tea1")) not in pairs_of(weak, Label.SUBSTITUTE)
    assert VIEWED in set(weak.sources)


def test_lists_of_products_viewed_and_bought_with_one_count(tmp_path):
    items = [
        {"item_id": i, "also_viewed": ["cup1"] if i == "cup0" else [], "also_bought": []}
        for i in ITEMS
    ]
    items[ROWS["hat0"]]["also_bought"] = ["nut0"]
    for other, product in zip(("pan0", "pan1", "tea0"), ("tea1", "tea2", "hat2"), strict=True):
        items[ROWS[product]]["also_bought"] = [other]
        items[ROWS[product]]["also_viewed"] = [other]
    corpus = write_corpus(tmp_path / "shop", ITEMS, tables={"items": items})
    weak = LabelledPairs.join(
        list(
            weak_pairs(
                corpus,
                ROWS,
                types(),
                LabelledPairs.empty(),
                ALL,
                max_pairs=100,
                unrelated_per_pair=1.0,
                seed=0,
            ).values()
        )
    )

    assert pairs_of(weak, Label.SUBSTITUTE) == {frozenset(("cup0", "cup1"))}
    assert frozenset(("hat0", "nut0")) in pairs_of(weak, Label.COMPLEMENT)


def test_unrelated_pairs_are_never_seen_together(tmp_path):
    bought = [("cup0", "tea0")] * 3 + [("cup0", "hat1")] + FILLER
    weak = found(tmp_path, sessions(*bought))

    together = {frozenset(basket) for basket in bought}
    unrelated = pairs_of(weak, Label.UNRELATED)
    assert unrelated
    assert not unrelated & together


def test_what_people_judged_is_not_labelled_again_and_only_wanted_classes_are(tmp_path):
    row = np.array([[ROWS["tea0"], ROWS["cup0"]]])
    judged = LabelledPairs.of_label(row, Label.UNRELATED, "people")
    weak = found(
        tmp_path,
        sessions(*[("cup0", "tea0")] * 3, *[("cup1", "tea1")] * 3, *FILLER),
        judged,
        frozenset({Label.COMPLEMENT}),
    )

    complements = pairs_of(weak, Label.COMPLEMENT)
    assert frozenset(("cup1", "tea1")) in complements
    assert frozenset(("cup0", "tea0")) not in complements
    assert set(weak.labels) == {Label.COMPLEMENT}


def test_behaviour_of_valid_and_test_is_not_read(tmp_path):
    weak = found(tmp_path, sessions(*[("cup0", "tea0")] * 3, *FILLER, split="test"))

    assert len(weak) == 0


def test_without_views_the_same_company_and_never_together_is_a_substitute(tmp_path):
    # Two brands of cup, each bought with the same many things, never with each other.
    items = [f"thing{i:03d}" for i in range(90)] + ["cup0", "cup1"]
    rows = {item: row for row, item in enumerate(items)}
    rng = np.random.default_rng(0)
    baskets = []
    for n in range(1_200):
        start = int(rng.integers(0, 90))
        basket = {items[(start + step) % 90] for step in rng.integers(0, 12, 4)}
        if start < 12:
            basket.add(f"cup{n % 2}")
        baskets.append(tuple(sorted(basket)))
    corpus = write_corpus(tmp_path / "shop", items, sessions(*baskets))
    kinds = [item[:3] if item[:3] == "cup" else item for item in items]
    weak = LabelledPairs.join(
        list(
            weak_pairs(
                corpus,
                rows,
                ProductTypes.of(kinds, np.eye(len(items), dtype=np.float32), 0),
                LabelledPairs.empty(),
                ALL,
                max_pairs=1_000,
                unrelated_per_pair=1.0,
                seed=0,
            ).values()
        )
    )

    substitutes = weak.take(weak.labels == Label.SUBSTITUTE)
    assert {
        frozenset((items[a], items[b])) for a, b in zip(substitutes.a, substitutes.b, strict=True)
    } == {frozenset(("cup0", "cup1"))}
    assert set(substitutes.sources) == {COMPANY}


@pytest.mark.parametrize(
    ("categories", "same"), [("abacdefghijkl", True), ("aaaacdefghijk", False), (" " * 13, False)]
)
def test_a_type_is_the_category_unless_it_is_too_wide_to_tell(categories, same):
    apart = np.eye(13, dtype=np.float32)

    kinds = ProductTypes.of([letter.strip() for letter in categories], apart, 0)

    assert kinds.same(np.array([0, 1]), np.array([2, 4])).tolist() == [same, False]


def test_without_categories_a_type_is_a_neighbourhood_of_texts():
    draw = np.random.default_rng(0)
    centres = draw.normal(size=(200, 16))
    vectors = np.repeat(centres, 2, axis=0) + draw.normal(0, 0.05, (400, 16))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)

    kinds = ProductTypes.of([""] * 400, vectors.astype(np.float32), 0)

    even = np.arange(0, 400, 2)
    assert kinds.same(even, even + 1).all()
    assert kinds.same(even, (even + 2) % 400).mean() < 0.1
