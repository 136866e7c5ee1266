"""Words are cut, weighed and added in the server as they were where they were judged."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from relatum_export.artifact.words import WordTable
from relatum_export.corpus import segmentation as offline
from relatum_export.corpus.text import ProductText
from relatum_export.evaluation.agreement import agrees, changed_units
from relatum_export.evaluation.lexical_leg import COMMON_FLOOR, LexicalLeg
from relatum_server.artifact import WordWeights
from relatum_server.domain import Attribute, EvidenceKind, Product
from relatum_server.index import segmentation as served
from relatum_server.index.words import WordVectors
from relatum_server.services.association import RelatedQuery
from relatum_server.services.ranked import Paging
from tests.unit.server.services.conftest import WordsOfShop, build_shop

TEXTS = (
    "Nescaf\u00e9 Gold, 14.5OZ (Pack of 2) &amp; \uff33\uff30\uff21\uff32\uff25 filters",
    "\u7ea2\u8272\u8fde\u8863\u88d9 2023\u65b0\u6b3e Nike\u8fd0\u52a8\u978b",
    "\u30b3\u30fc\u30d2\u30fc\u8c46 500g \u306e\u30bb\u30c3\u30c8",
    "\ud55c\uad6d \ub77c\uba74 5\uac1c",
    "red red RED tea_pot x1",
    "",
    "!?",
)
DEPTH, CHUNK, MIN_ASKED = 10, 256, 50
WEIGHT = 0.8


def test_both_sides_cut_a_text_into_the_same_words():
    for text in TEXTS:
        assert served.words(text) == offline.words(text)


def test_both_sides_find_two_texts_equally_alike():
    table = WordTable.fit(TEXTS[:4])
    vectors = WordVectors(WordWeights(table.weights, table.rare))
    vectors.upsert(range(len(TEXTS)), [served.words(text) for text in TEXTS])
    keys = np.arange(len(TEXTS))

    expected = table.similarity(TEXTS, TEXTS)

    for key, row in enumerate(expected):
        profile = vectors.profile_of([key], [])
        found = np.zeros(len(TEXTS)) if profile is None else vectors.scores(profile, keys)
        assert found == pytest.approx(row, abs=1e-6)


def test_both_sides_have_the_same_bm25(tmp_path):
    draw = np.random.default_rng(5)
    vocabulary = np.array([*" ".join(TEXTS).split(), *(f"filler{i}" for i in range(300))])
    products = [
        ProductText(
            title=" ".join(draw.choice(vocabulary, 6)),
            brand=str(draw.choice(vocabulary)),
            categories=draw.choice(vocabulary, 2).tolist(),
            attributes={"kind": draw.choice(vocabulary, 2).tolist()},
            description=" ".join(["common", *draw.choice(vocabulary, 20)]),
        )
        for _ in range(COMMON_FLOOR + 300)
    ]
    shop = build_shop(tmp_path)
    for start in range(0, len(products), CHUNK):
        shop.add(
            *(
                Product(
                    str(start + i),
                    product.title,
                    brand=product.brand,
                    categories=tuple(product.categories),
                    attributes={"kind": Attribute(text=tuple((product.attributes or {})["kind"]))},
                    description=product.description,
                )
                for i, product in enumerate(products[start : start + CHUNK])
            )
        )
    keys = shop.live.keys.keys_of(map(str, range(len(products)))).tolist()
    leg = LexicalLeg(products)

    for query in (*TEXTS, "common filler7 fillers 14.5oz", "common", "tea_pot COMMON"):
        expected = leg.scores(query)
        assert shop.live.lexical.score(query, keys) == pytest.approx(expected, rel=1e-5)
    shop.live.close()


def test_the_api_finds_bundle_mates_as_the_offline_scores_do(tmp_path, data):
    """A slice of a real shop: API and offline table agree on R@10 by the project's rule."""
    folder = data("bundles_food")
    bundles = pq.read_table(folder / "bundles.parquet", columns=["items"]).slice(0, 120)
    wanted = {item for items in bundles.column("items").to_pylist() for item in items}
    table = pq.read_table(folder / "items.parquet", columns=["item_id", "title"]).to_pydict()
    title_of = dict(zip(table["item_id"], table["title"], strict=True))
    ids = sorted(item for item in wanted if title_of.get(item))
    titles = [title_of[item] for item in ids]
    place = {item: i for i, item in enumerate(ids)}
    weights = WordTable.fit(titles)
    words = WordsOfShop(WordWeights(weights.weights, weights.rare), similar=WEIGHT)
    shop = build_shop(tmp_path, words=words)
    for start in range(0, len(ids), CHUNK):
        part = zip(ids[start : start + CHUNK], titles[start : start + CHUNK], strict=True)
        shop.add(*(Product(item, title) for item, title in part))
    vectors, _ = shop.live.text.get(shop.live.keys.keys_of(ids))
    lexical = weights.similarity(titles, titles)
    scores = vectors @ vectors.T + WEIGHT * lexical
    mates: dict[int, set[int]] = {}
    for items in bundles.column("items").to_pylist():
        for item in items:
            mates.setdefault(place.get(item, -1), set()).update(place.get(i, -1) for i in items)

    shares = []
    for i in sorted(mates.keys() - {-1})[::3]:
        page = shop.association.list_related(RelatedQuery(product_id=ids[i]), Paging(size=DEPTH))
        listed = [place[line.product_id] for line in page.results]
        for line, j in zip(page.results, listed, strict=True):
            assert line.score == pytest.approx(scores[i, j], abs=2e-3)
            added = sum(e.contribution for e in line.evidence if e.kind is EvidenceKind.LEXICAL)
            assert added == pytest.approx(WEIGHT * lexical[i, j], abs=1e-5)
        others = mates[i] - {i}
        scores[i, i] = -np.inf
        best = np.argsort(-scores[i], kind="stable")[:DEPTH].tolist()
        shares.append([len(others & set(given)) / max(len(others), 1) for given in (listed, best)])

    served_shares, offline_shares = np.array(shares).T
    changed = changed_units(served_shares, offline_shares)
    assert len(shares) > MIN_ASKED
    assert offline_shares.mean() > 0
    assert agrees(float(served_shares.mean()), float(offline_shares.mean()), changed)
    shop.live.close()
