"""ScoreAssociations over fakes."""

import pytest

from relatum_server.domain import AssociationClass, EvidenceKind, Money, Product
from relatum_server.errors import ArtifactLacksPartError, InvalidArgumentError
from relatum_server.services.pairs import PairSide
from tests.fakes.heads import FakePairHead
from tests.unit.server.services.conftest import build_shop

PRODUCTS = (
    Product("milk", "whole milk", categories=("Dairy",), price=Money("USD", 1, 500_000_000)),
    Product("oat", "oat milk", categories=("Dairy",)),
    Product("flakes", "corn flakes", categories=("Breakfast",)),
)
SPACES = {
    "complement_out": {"milk": (2.0, 0.0), "flakes": (0.0, 1.0)},
    "complement_in": {"milk": (0.5, 0.0), "flakes": (3.0, 0.0)},
}


def shop_with(tmp_path, head, **parts):
    shop = build_shop(tmp_path, head=head, **parts)
    shop.add(*PRODUCTS)
    return shop


def product(product_id):
    return PairSide(product_id=product_id)


def score(shop, *pairs):
    return shop.pairs.score(pairs)


def test_each_pair_gets_its_probabilities_most_probable_first(tmp_path):
    shop = shop_with(tmp_path, FakePairHead())

    answer = score(
        shop, (product("milk"), product("milk")), (product("milk"), PairSide(text="corn flakes"))
    )

    first, second = (dict(one.probabilities) for one in answer.scores)
    assert next(iter(first)) is AssociationClass.SUBSTITUTE
    assert first[AssociationClass.SUBSTITUTE] == pytest.approx(1.0, abs=1e-3)
    assert set(second) == {AssociationClass.UNRELATED, AssociationClass.SUBSTITUTE}
    assert sum(second.values()) == pytest.approx(1.0)
    assert answer.model_id == "model"


def test_facts_of_a_pair_stand_beside_it_with_their_own_values(tmp_path):
    shop = shop_with(
        tmp_path,
        FakePairHead(),
        behaviour={"milk": (1.0, 0.0), "flakes": (0.6, 0.8)},
        spaces=SPACES,
    )
    for basket in "abc":
        shop.buy(basket, "milk", "flakes")

    answer = score(shop, (product("milk"), product("flakes")), (product("flakes"), product("milk")))

    there, back = ({e.kind: e.contribution for e in one.evidence} for one in answer.scores)
    assert there[EvidenceKind.BEHAVIOUR] == pytest.approx(0.6, abs=1e-3)
    assert there[EvidenceKind.CATEGORY] == -1.0
    assert 0 < there[EvidenceKind.CO_PURCHASE] == back[EvidenceKind.CO_PURCHASE] < 1
    assert there[EvidenceKind.COMPLEMENT] == pytest.approx(6.0)
    assert back[EvidenceKind.COMPLEMENT] == pytest.approx(0.0)


def test_an_unknown_product_is_reported_and_its_pair_is_empty(tmp_path):
    shop = shop_with(tmp_path, FakePairHead())

    answer = score(shop, (product("none"), product("milk")), (product("milk"), product("oat")))

    assert answer.scores[0].probabilities == ()
    assert answer.scores[1].probabilities
    assert answer.missing_product_ids == ("none",)


def test_a_head_that_reads_texts_gets_those_of_the_products_as_they_are_now(tmp_path):
    head = FakePairHead(reads_texts=True)
    shop = shop_with(tmp_path, head)
    score(shop, (product("milk"), PairSide(text="LX-2000 lamp")))
    shop.add(Product("milk", "skimmed milk"))

    score(shop, (product("milk"), product("oat")))

    assert [first.first for first, _ in head.texts] == ["whole", "skimmed"]
    assert head.texts[0][0].price == 1.5
    assert head.texts[0][1].codes == {"lx2000"}


@pytest.mark.parametrize(
    ("pairs", "field"),
    [
        ([], "pairs"),
        ([(product("a"), product("b"))] * 257, "pairs"),
        ([(PairSide(), product("b"))], "pairs[0].a"),
        ([(product("a"), PairSide())], "pairs[0].b"),
        ([(product(""), product("b"))], "pairs[0].a.product_id"),
        ([(product("x" * 129), product("b"))], "pairs[0].a.product_id"),
        ([(product("a\n"), product("b"))], "pairs[0].a.product_id"),
        ([(product("a"), PairSide(text=" "))], "pairs[0].b.text"),
        ([(product("a"), PairSide(text="a\0b"))], "pairs[0].b.text"),
        ([(product("a"), PairSide(text="x" * 8193))], "pairs[0].b.text"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("head", [None, FakePairHead()], ids=["without", "with"])
def test_a_bad_pair_is_refused_by_its_field_whatever_the_artifact_has(tmp_path, head, pairs, field):
    shop = shop_with(tmp_path, head)
    with pytest.raises(InvalidArgumentError) as error:
        shop.pairs.score(pairs)
    assert error.value.violations[0].field == field


def test_without_a_head_the_remedy_is_named(shop):
    with pytest.raises(ArtifactLacksPartError, match="--pairs"):
        score(shop, (product("a"), product("b")))
