"""The words of the BM25 baseline."""

import numpy as np

from relatum_export.evaluation.bm25 import Bm25System, spaced


def test_chinese_is_found_by_one_of_its_words_inside_a_sentence():
    documents = ["您好 请问什么时候发货", "质量很好 值得购买", "warm water"]

    scores = Bm25System().scores(["发货时间"], documents, products=False)

    assert np.argmax(scores[0]) == 0
    assert scores[0, 1] == scores[0, 2] == 0.0


def test_a_single_han_character_is_a_word():
    assert Bm25System().scores(["鞋"], ["红 鞋", "帽"], products=False)[0, 0] > 0.0


def test_text_without_chinese_is_left_as_it_is():
    assert spaced("red shoe, size 42") == "red shoe, size 42"
