"""ListRelated of substitutes, and of complements with a direction, over fakes."""

import pytest

from relatum_server.domain import EvidenceKind, Product, Relation
from relatum_server.errors import ArtifactLacksPartError
from relatum_server.services.association import RelatedQuery
from relatum_server.services.ranked import Paging
from tests.fakes.heads import FakePairHead
from tests.unit.server.services.conftest import build_shop

PRODUCTS = (
    Product("milk", "whole milk", categories=("Dairy",), group_id="g"),
    Product("milk2", "whole milk two", categories=("Dairy",), group_id="g"),
    Product("oat", "oat milk", categories=("Dairy",)),
    Product("shake", "milk shake", categories=("Drinks",)),
    Product("flakes", "corn flakes", categories=("Breakfast",)),
)


@pytest.fixture
def grocer(tmp_path):
    shop = build_shop(tmp_path, head=FakePairHead())
    shop.add(*PRODUCTS)
    return shop


def related(shop, relation=Relation.SUBSTITUTE, **anchor):
    return shop.association.list_related(RelatedQuery(relation, **anchor), Paging()).results


def ids(lines):
    return [line.product_id for line in lines]


def test_substitutes_come_with_their_probability_and_parts_that_sum_to_the_score(grocer):
    lines = related(grocer, product_id="milk")

    assert ids(lines)[:2] == ["oat", "shake"]
    assert not {"milk", "milk2"} & set(ids(lines))
    for line in lines:
        assert 0 <= line.probability <= 1
        assert sum(p.contribution for p in line.evidence) == pytest.approx(line.score)
        own = [p for p in line.evidence if p.kind is EvidenceKind.ASSOCIATION]
        assert own[0].contribution == pytest.approx(line.probability)
        assert own[0].product_id == "milk"


def test_what_is_bought_with_the_anchor_takes_its_place_less(grocer):
    before = {line.product_id: line.score for line in related(grocer, product_id="milk")}
    for n in range(20):
        grocer.buy(f"{n}", "milk", "oat")

    after = {line.product_id: line for line in related(grocer, product_id="milk")}

    against = [p for p in after["oat"].evidence if p.kind is EvidenceKind.CO_PURCHASE]
    assert against[0].contribution < 0
    assert after["oat"].score < before["oat"]
    assert after["shake"].score == pytest.approx(before["shake"])


def test_a_text_has_substitutes_too(grocer):
    lines = related(grocer, text="oat milk")

    assert ids(lines)[0] == "oat"
    assert 0.8 < lines[0].probability < 1.0


def test_examples_pull_towards_the_liked_and_away_from_the_disliked(grocer):
    liked = {line.product_id: line for line in related(grocer, positives=("milk",))}
    both = {
        line.product_id: line for line in related(grocer, positives=("milk",), negatives=("shake",))
    }

    assert both["oat"].score < liked["oat"].score
    assert both["oat"].probability == pytest.approx(liked["oat"].probability)


def test_other_relations_have_no_probability(grocer):
    assert {line.probability for line in related(grocer, Relation.SIMILAR, product_id="milk")} == {
        None
    }


def test_a_batch_gives_the_lists_of_single_products(grocer):
    query = RelatedQuery(Relation.SUBSTITUTE)

    answer = grocer.association.list_related_batch(["milk", "oat"], query, Paging())

    assert [lines for _, lines in answer.lists] == [
        related(grocer, product_id="milk"),
        related(grocer, product_id="oat"),
    ]


@pytest.mark.parametrize("head", [None, FakePairHead(("unrelated", "complement"))])
def test_without_a_head_that_learned_substitutes_the_remedy_is_named(tmp_path, head):
    shop = build_shop(tmp_path, head=head)
    shop.add(*PRODUCTS)

    with pytest.raises(ArtifactLacksPartError, match="--pairs"):
        related(shop, product_id="milk")


def test_a_complement_has_a_direction_and_needs_no_basket(tmp_path):
    spaces = {
        "complement_out": {"flakes": (1.0, 0.0), "milk": (0.0, 0.1)},
        "complement_in": {"milk": (2.0, 0.0), "oat": (1.0, 0.0), "flakes": (0.0, -1.0)},
    }
    shop = build_shop(tmp_path, spaces=spaces)
    shop.add(*PRODUCTS)

    there = related(shop, Relation.COMPLEMENT, product_id="flakes")
    back = related(shop, Relation.COMPLEMENT, product_id="milk")

    parts = {p.kind: p for p in there[0].evidence}
    assert ids(there) == ["milk", "oat"]
    assert parts[EvidenceKind.COMPLEMENT].product_id == "flakes"
    assert parts[EvidenceKind.COMPLEMENT].contribution == pytest.approx(0.5)
    assert "flakes" not in [line.product_id for line in back if line.score > 0.05]


def test_complement_vectors_join_and_leave_with_their_product(tmp_path):
    spaces = {
        "complement_out": {"flakes": (1.0, 0.0)},
        "complement_in": {"milk": (2.0, 0.0), "oat": (1.0, 0.0)},
    }
    shop = build_shop(tmp_path, spaces=spaces)
    shop.add(*PRODUCTS)
    shop.catalog.delete(["milk", "milk2"])

    assert ids(related(shop, Relation.COMPLEMENT, product_id="flakes")) == ["oat"]
