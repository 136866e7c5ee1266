"""A shop's texts, also of a shop that has no products."""

import pytest

from relatum_export.artifact.shop_texts import ShopTexts
from relatum_export.corpus.text import TITLE
from relatum_export.errors import InputError
from relatum_export.training.products import Catalogue
from tests.unit.export.evaluation.corpora import write_corpus

NO_PRODUCTS = Catalogue((), ())


def faq(split, question, answer):
    return {"question_id": question, "question": question, "answer": answer, "split": split}


def test_a_shop_of_questions_alone_is_tried_on_its_replies(tmp_path):
    rows = [faq("train", "when?", "soon"), faq("valid", "where?", "here"), faq("test", "no", "no")]
    corpus = write_corpus(tmp_path, tables={"faq": rows})

    texts = ShopTexts.read(corpus, NO_PRODUCTS, TITLE)

    assert list(texts.documents) == list(texts.titles) == ["soon", "here"]
    assert list(texts.queries) == ["when?"]


def test_a_shop_of_reviews_alone_is_tried_on_those(tmp_path):
    rows = [{"review_text": text, "split": "train"} for text in ("fine", None)]
    corpus = write_corpus(tmp_path, tables={"reviews": rows})

    texts = ShopTexts.read(corpus, NO_PRODUCTS, TITLE)

    assert list(texts.documents) == list(texts.queries) == ["fine"]


def test_products_stand_before_whatever_else_there_is(tmp_path):
    corpus = write_corpus(tmp_path, ["mug"], tables={"faq": [faq("train", "when?", "soon")]})

    assert list(ShopTexts.read(corpus, Catalogue.read(corpus), TITLE).documents) == ["mug"]


def test_a_corpus_without_any_text_is_refused(tmp_path):
    corpus = write_corpus(tmp_path, tables={"faq": [faq("test", "when?", "soon")]})

    with pytest.raises(InputError, match="no text to try an encoder on"):
        ShopTexts.read(corpus, NO_PRODUCTS, TITLE)
