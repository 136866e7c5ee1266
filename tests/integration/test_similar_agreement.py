"""`ListRelated` SIMILAR of a served shop is what is measured of it offline."""

from pathlib import Path

import numpy as np
import pytest

from relatum_export.artifact.words import Words, WordTable
from relatum_export.evaluation.recommendation.similar import SimilarProducts
from relatum_export.evaluation.systems import BehaviourSpace
from relatum_server.artifact import WordWeights
from relatum_server.domain import Product
from relatum_server.services.association import RelatedQuery
from relatum_server.services.ranked import Paging
from tests.fakes.encoder import FakeEncoder
from tests.unit.server.services.conftest import WordsOfShop, build_shop

KNOWN, COLD, DIMENSION = 250, 40, 6
IDS = [f"p{i:03d}" for i in range(KNOWN + COLD)]
EXAMPLES = (11, 120, 260, 7)  # one of them without behaviour
WORDS = tuple(f"word{i}" for i in range(60))


def title(number: int) -> str:
    draw = np.random.default_rng(number)
    return " ".join(draw.choice(WORDS, 5)) + f" {number}"


@pytest.mark.parametrize("word_weight", [0.0, 0.8])
@pytest.mark.parametrize("mapped", [True, False])
def test_a_served_similar_product_has_the_offline_score(
    tmp_path: Path, *, mapped: bool, word_weight: float
) -> None:
    draw = np.random.default_rng(3)
    vectors = draw.normal(size=(KNOWN, DIMENSION))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)
    shape = (FakeEncoder().dimension + 1, DIMENSION)
    ridge = draw.normal(scale=0.5, size=shape).astype(np.float32) if mapped else None
    titles = [title(i) for i in range(len(IDS))]
    table = WordTable.fit(titles)
    shop = build_shop(
        tmp_path,
        words=WordsOfShop(WordWeights(table.weights, table.rare), similar=word_weight),
        behaviour=dict(zip(IDS, vectors.tolist(), strict=False)),
        ridge=None if ridge is None else ridge.tolist(),
    )
    products = [Product(item, own) for item, own in zip(IDS, titles, strict=True)]
    shop.add(*products[:KNOWN])
    shop.add(*products[KNOWN:])
    texts, _ = shop.live.text.get(shop.live.keys.keys_of(IDS))
    space = BehaviourSpace(tuple(IDS[:KNOWN]), vectors.astype(np.float32), ridge)

    words = Words(table, None, {"similar": word_weight})
    similar = SimilarProducts.of(IDS, texts, space, titles=titles, words=words)
    offline = similar.scores(np.array(EXAMPLES[::-1]))
    page = shop.association.list_related(
        RelatedQuery(positives=tuple(IDS[i] for i in EXAMPLES)), Paging(size=50)
    )

    served = {line.product_id: line.score for line in page.results}
    best = np.argsort(-offline, kind="stable")[:50]
    assert set(served) == {IDS[i] for i in best}
    assert any(i >= KNOWN for i in best)  # what nobody has bought yet is among them
    for i in best:
        assert served[IDS[i]] == pytest.approx(offline[i], abs=2e-3)
