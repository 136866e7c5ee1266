"""Batches of near length give each text the vector that it has alone."""

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from relatum_export.training.batching import TextInput, encode_texts, length_sorted_batches

UNKNOWN = "[UNK]"
WORDS = {UNKNOWN: 0, "red": 1, "shoe": 2, "blue": 3, "q:": 4, "d:": 5}


@pytest.fixture
def text_input():
    tokenizer = Tokenizer(models.WordLevel(WORDS, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return TextInput(tokenizer, "q: ", "d: ", 4, 0)


def sums(ids, mask):
    """A fake encoder: (sum of the ids, number of tokens) of each row."""
    return np.stack([(ids * mask).sum(1), mask.sum(1)], axis=1).astype(np.float32)


def test_vectors_come_back_in_the_order_of_the_texts(text_input):
    texts = ["red", "red shoe blue", "red", "blue shoe"]

    vectors = encode_texts(text_input, sums, texts, "document", dimension=2)

    assert vectors.tolist() == [[6, 2], [11, 4], [6, 2], [10, 3]]


def test_equal_texts_are_encoded_once_and_all_counted_as_done(text_input):
    rows: list[int] = []
    done: list[int] = []

    def counting(ids, mask):
        rows.append(len(ids))
        return sums(ids, mask)

    encode_texts(text_input, counting, ["red"] * 9, "query", dimension=2, progress=done.append)

    assert (rows, done) == ([1], [9])


def test_the_prefix_depends_on_the_kind(text_input):
    query = encode_texts(text_input, sums, ["red"], "query", dimension=2)
    document = encode_texts(text_input, sums, ["red"], "document", dimension=2)

    assert query[0, 0] + 1 == document[0, 0]


def test_long_texts_are_cut_to_the_limit_with_the_prefix_counted(text_input):
    vectors = encode_texts(text_input, sums, ["red " * 50], "query", dimension=2)

    assert vectors[0].tolist() == [4 + 3 * 1, 4]


def test_no_texts_give_an_empty_matrix_of_the_right_width(text_input):
    assert encode_texts(text_input, sums, [], "query", dimension=2).shape == (0, 2)


def test_batches_hold_each_position_once_and_stay_within_both_limits():
    lengths = [(7 * i) % 250 + 1 for i in range(500)]

    batches = list(length_sorted_batches(lengths))

    assert sorted(i for batch in batches for i in batch) == list(range(500))
    assert all(len(batch) <= 64 for batch in batches)
    assert all(len(batch) * max(lengths[i] for i in batch) <= 4096 for batch in batches)


def test_a_text_longer_than_a_whole_batch_still_gets_one():
    assert list(length_sorted_batches([9000, 3])) == [[0], [1]]
