"""Server and export correct queries alike: the same rules, written down twice."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relatum_export.corpus.text import ProductText
from relatum_export.evaluation.spelling import SpellingCorrector
from relatum_server.index.base import LexicalDocument
from relatum_server.index.lexical import Fts5Index

PRODUCTS = (
    ProductText(title="\uff37ireless Mouse 2.4GHz", brand="Acme", categories=["Office > Mice"]),
    ProductText(title="Café crème", description="Ground coffee with a hint of cocoa"),
    ProductText(title="Grass-fed butter", attributes={"type": ["salted", "organic"]}),
    ProductText(title="Glass butter dish", brand="L'Oréal"),
    ProductText(title="无线 mouse鼠标", categories=["外设"]),
    ProductText(title="Straße İstanbul ǅ ﬁlter"),
)
GOLDEN = {
    "wirelss mouse": "wireless mouse",
    "WIRELSS Mouse": "wireless Mouse",
    "wirelss  2.4GHz mous-2": "wireless  2.4GHz mous-2",
    "cafe creme": "café crème",
    "ccafé": "café",
    "cocoa cocao salted orgnic": "cocoa cocao salted orgnic",  # texts know, but give no words
    "grsas gless": "grass glass",
    "blass": "glass",  # before grass, which is as far
    "buttre, l'oréel": "butter, l'oréal",
    "fed fde": "fed fde",
    "mouse鼠标 moouse鼠": "mouse鼠标 moouse鼠",
    "mouze\u3000dishh": "mouse dish",  # NFKC makes the wide blank a narrow one
    "strasze": "strasze",  # two slips from the word with the ligature
    "straßee": "straße",
    "ﬁltre": "filter",
    "": "",
}
ALPHABET = st.sampled_from([*"abcdefgorsuwé2-' İßﬁ鼠\u0301", "mouse", "butter", "glass", "cocoa"])


def document(key: int, product: ProductText) -> LexicalDocument:
    attributes = [text for texts in (product.attributes or {}).values() for text in texts]
    return LexicalDocument(
        key,
        product.title,
        " ".join([product.brand, *product.categories]),
        " ".join([*attributes, product.description]),
    )


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    folder: Path = tmp_path_factory.mktemp("spelling")
    opened, _ = Fts5Index.open(folder / "words.db")
    opened.upsert([document(key, product) for key, product in enumerate(PRODUCTS)])
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def corrector():
    return SpellingCorrector(PRODUCTS)


def unheard(word: str) -> bool:
    del word
    return False


@pytest.mark.parametrize(("typed", "meant"), GOLDEN.items())
def test_both_sides_correct_the_golden_queries(index, corrector, typed, meant):
    assert corrector.correct(typed) == meant
    assert index.correct(typed, unheard) == meant


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(query=st.one_of(st.lists(ALPHABET, max_size=30).map("".join), st.text(max_size=40)))
def test_both_sides_correct_any_query_alike(index, corrector, query):
    assert index.correct(query, unheard) == corrector.correct(query)


@settings(max_examples=30, deadline=None)
@given(
    titles=st.lists(st.text("abcde ", max_size=24), max_size=6),
    query=st.text("abcde ", max_size=24),
)
def test_both_sides_choose_alike_among_near_words(index, titles, query):
    products = [ProductText(title=title) for title in titles]
    keys = range(100, 100 + len(products))
    index.remove(range(len(PRODUCTS)))
    try:
        index.upsert([document(k, p) for k, p in zip(keys, products, strict=True)])
        assert index.correct(query, unheard) == SpellingCorrector(products).correct(query)
    finally:
        index.remove(list(keys))
        index.upsert([document(key, product) for key, product in enumerate(PRODUCTS)])
