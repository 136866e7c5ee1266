"""ListRelated over fakes."""

import pytest

from relatum_server.artifact import WordWeights
from relatum_server.domain import EvidenceKind, Product, Relation
from relatum_server.errors import ArtifactLacksPartError, InvalidArgumentError, NotFoundError
from relatum_server.services.association import RelatedQuery
from relatum_server.services.ranked import Paging
from relatum_server.services.relation import POOL
from tests.unit.server.services.conftest import WordsOfShop, build_shop

PRODUCTS = (
    Product("milk", "whole milk", categories=("Dairy",), group_id="g"),
    Product("milk2", "whole milk two", categories=("Dairy",), group_id="g"),
    Product("oat", "oat milk", categories=("Dairy",)),
    Product("soy", "soy drink", categories=("Dairy",)),
    Product("cereal", "corn flakes", categories=("Breakfast",)),
)
BEHAVIOUR = {"milk": (1.0, 0.0), "soy": (1.0, 0.0), "cereal": (0.6, 0.8), "gone": (0.0, 1.0)}


@pytest.fixture
def store_with_behaviour(tmp_path):
    shop = build_shop(tmp_path, behaviour=BEHAVIOUR)
    shop.add(*PRODUCTS)
    return shop


def ids(lines):
    return [line.product_id for line in lines]


def similar(shop, **anchor):
    return shop.association.list_related(RelatedQuery(**anchor), Paging())


def test_similar_products_leave_out_the_anchor_and_its_variants(shop):
    shop.add(*PRODUCTS)

    page = similar(shop, product_id="milk")

    assert ids(page.results)[0] == "oat"
    assert not {"milk", "milk2"} & set(ids(page.results))
    assert {p.kind for p in page.results[0].evidence} == {EvidenceKind.TEXT}


def test_behaviour_adds_to_text_and_the_parts_sum_to_the_score(store_with_behaviour):
    page = similar(store_with_behaviour, product_id="milk")

    soy = next(line for line in page.results if line.product_id == "soy")
    behaviour = [p for p in soy.evidence if p.kind is EvidenceKind.BEHAVIOUR]
    assert behaviour[0].product_id == "milk"
    for line in page.results:
        assert sum(p.contribution for p in line.evidence) == pytest.approx(line.score)


def test_behaviour_vectors_join_when_their_product_arrives_and_leave_with_it(store_with_behaviour):
    live = store_with_behaviour.live
    assert len(live.behaviour) == 3

    store_with_behaviour.add(Product("gone", "back again"))
    assert len(live.behaviour) == 4

    store_with_behaviour.catalog.delete(["gone"])
    assert len(live.behaviour) == 3


def test_a_text_finds_what_is_like_it(shop):
    shop.add(*PRODUCTS)

    assert ids(similar(shop, text="corn flakes").results)[0] == "cereal"


def test_examples_move_towards_the_liked_and_away_from_the_disliked(shop):
    shop.add(*PRODUCTS)

    liked = similar(shop, positives=("milk",))
    both = similar(shop, positives=("milk", "none"), negatives=("oat",))

    assert ids(liked.results)[0] == "oat"
    assert "oat" not in ids(both.results)
    assert list(both.missing_product_ids) == ["none"]


def test_complements_are_what_is_bought_together(shop):
    shop.add(*PRODUCTS)
    shop.buy("1", "milk", "cereal")
    shop.buy("2", "milk", "cereal")
    shop.buy("3", "milk", "soy")

    page = shop.association.list_related(
        RelatedQuery(Relation.COMPLEMENT, product_id="milk"), Paging()
    )

    assert ids(page.results) == ["cereal", "soy"]
    assert {p.kind for p in page.results[0].evidence} == {
        EvidenceKind.CO_PURCHASE,
        EvidenceKind.CATEGORY,
    }


def test_a_cold_product_takes_over_the_complements_of_its_like(shop):
    shop.add(*PRODUCTS)
    shop.buy("1", "milk", "cereal")

    page = shop.association.list_related(
        RelatedQuery(Relation.COMPLEMENT, product_id="oat"), Paging()
    )

    moved = page.results[0].evidence
    assert ids(page.results)[0] == "cereal"
    assert "milk" in {part.product_id for part in moved}


def test_complements_without_any_knowledge_say_what_the_artifact_lacks(shop):
    shop.add(*PRODUCTS)
    with pytest.raises(ArtifactLacksPartError, match="behaviour or copurchase"):
        shop.association.list_related(
            RelatedQuery(Relation.COMPLEMENT, product_id="milk"), Paging()
        )


def test_a_batch_gives_one_list_each_in_order_and_reports_the_unknown(shop):
    shop.add(*PRODUCTS)

    answer = shop.association.list_related_batch(
        ["cereal", "none", "milk"], RelatedQuery(), Paging(size=2)
    )

    assert [product_id for product_id, _ in answer.lists] == ["cereal", "none", "milk"]
    assert [len(lines) for _, lines in answer.lists] == [2, 0, 2]
    assert list(answer.missing_product_ids) == ["none"]


def test_an_unknown_product_is_not_found(shop):
    with pytest.raises(NotFoundError) as error:
        similar(shop, product_id="none")
    assert error.value.reason == "PRODUCT_NOT_FOUND"


@pytest.mark.parametrize("anchor", [{}, {"product_id": "a", "text": "b"}, {"negatives": ("a",)}])
def test_other_than_one_anchor_is_refused(shop, anchor):
    with pytest.raises(InvalidArgumentError, match="exactly one"):
        similar(shop, **anchor)


def test_a_filter_holds_for_every_space(store_with_behaviour):
    page = similar(store_with_behaviour, product_id="milk", filter='brand = "none"')

    assert page.results == []


def test_words_that_titles_share_are_added_exactly_and_bring_candidates_of_their_own(tmp_path):
    words = WordsOfShop(WordWeights({"usb": 0.5, "cable": 0.5}, 2.0), similar=0.8)
    shop = build_shop(tmp_path, words=words)
    shop.add(Product("a", "usb cable zx81"), Product("b", "zx81 case"))
    for start in range(0, POOL + 150, 250):  # by the vector alone the case is out of reach
        shop.add(*(Product(f"n{i}", "usb cable") for i in range(start, start + 250)))

    page = shop.association.list_related(RelatedQuery(product_id="a"), Paging(size=200))

    by_id = {line.product_id: line for line in page.results}
    added = [e for e in by_id["b"].evidence if e.kind is EvidenceKind.LEXICAL]
    one = 8 / (8.5**0.5 * 12**0.5)  # zx and 81 are shared
    assert [e.contribution for e in added] == pytest.approx([0.8 * one])
    for line in page.results:
        assert line.score == pytest.approx(sum(e.contribution for e in line.evidence))
    shop.live.close()


def test_where_behaviour_counts_too_words_stand_beside_the_weight_of_text(tmp_path):
    words = WordsOfShop(WordWeights({}, 1.0), similar=0.8)
    behaviour = {"a": (1.0, 0.0), "b": (1.0, 0.0)}
    shop = build_shop(tmp_path, words=words, behaviour=behaviour)
    shop.add(Product("a", "red tea"), Product("b", "red pot"))

    (line,) = shop.association.list_related(RelatedQuery(product_id="a"), Paging()).results

    added = [e.contribution for e in line.evidence if e.kind is EvidenceKind.LEXICAL]
    assert added == pytest.approx([0.5 * 0.8 * 0.5])
    shop.live.close()
