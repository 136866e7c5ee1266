"""Titles as weighted words, and which products have a word."""

import numpy as np
import pytest

from relatum_server.artifact import WordWeights
from relatum_server.index.base import LexicalDocument
from relatum_server.index.lexical import Fts5Index
from relatum_server.index.postings import Postings
from relatum_server.index.segmentation import words
from relatum_server.index.words import MOST_POSTINGS, WordVectors

WEIGHTS = WordWeights({"tea": 1.0, "red": 2.0, "pot": 2.0}, 3.0)


@pytest.fixture
def titles():
    vectors = WordVectors(WEIGHTS)
    put(vectors, {0: "red tea", 1: "red pot", 2: "tea tea pot", 3: "lamp", 4: ""})
    return vectors


def put(vectors, by_key):
    vectors.upsert(list(by_key), [words(title) for title in by_key.values()])


def alike(vectors, key, *keys):
    profile = vectors.profile_of([key], [])
    return [] if profile is None else vectors.scores(profile, np.array(keys)).tolist()


def near(vectors, key, allowed=None, k=10):
    profile = vectors.profile_of([key], [])
    return [] if profile is None else vectors.search(profile, k, allowed=allowed).keys.tolist()


def test_the_similarity_is_the_cosine_of_the_weights_of_shared_words(titles):
    assert alike(titles, 0, 0, 1, 3, 4) == pytest.approx([1, 4 / (5**0.5 * 8**0.5), 0, 0])


def test_a_word_written_twice_weighs_more_but_not_twice(titles):
    twice = 1 + np.log(2)

    assert alike(titles, 0, 2) == pytest.approx([twice / np.hypot(twice, 2) / 5**0.5])


def test_keys_that_were_never_written_are_alike_to_nothing(titles):
    assert alike(titles, 0, 99, 10**6) == [0, 0]
    assert alike(titles, 99, 0) == []


def test_a_rewritten_title_has_its_new_words_alone(titles):
    put(titles, {0: "blue lamp"})

    assert alike(titles, 1, 0) == [0]
    assert alike(titles, 3, 0) == pytest.approx([1 / 2**0.5])
    assert near(titles, 3) == [3, 0]
    assert 0 not in near(titles, 1)


def test_a_removed_product_is_near_to_nothing(titles):
    titles.remove([1, 77, 10**6])

    assert near(titles, 0) == [0, 2]
    assert near(titles, 1) == []


def test_the_nearest_share_a_word_and_come_best_first(titles):
    assert near(titles, 0) == [0, 1, 2]
    assert near(titles, 0, k=2) == [0, 1]
    assert near(titles, 4) == []


def test_what_a_filter_leaves_out_is_not_found(titles):
    allowed = np.array([True, False, True])

    assert near(titles, 0, allowed) == [0, 2]


def test_liked_titles_less_disliked_ones_have_length_1(titles):
    profile = titles.profile_of([0, 3], [1, 4])

    assert np.linalg.norm(profile.weights) == pytest.approx(1)
    (pot, tea, lamp) = titles.scores(profile, np.array([1, 0, 3]))
    assert lamp > tea > pot
    assert titles.profile_of([4], [0]) is None


def test_rows_survive_growth_and_rewriting_of_many_titles():
    vectors = WordVectors(WEIGHTS)
    for round_ in range(4):
        for start in range(0, 3000, 500):
            put(vectors, {key: f"red n{key} r{round_}" for key in range(start, start + 500)})

    # a number stands apart from its letter: n, 7, r and 3 are four words
    assert alike(vectors, 7, 7, 8) == pytest.approx([1, 31 / 40])
    assert near(vectors, 2999, k=1) == [2999]


def test_a_word_of_too_many_products_is_not_followed():
    vectors = WordVectors(WEIGHTS)
    put(vectors, {key: "red" if key else "red lamp" for key in range(MOST_POSTINGS + 2)})

    assert near(vectors, 0) == [0]
    assert near(vectors, 1) == []


def test_postings_are_the_same_before_and_after_they_settle(monkeypatch):
    draw = np.random.default_rng(1)
    settled, listed = Postings(), Postings()
    for key in range(300):
        numbers = draw.choice(40, 5, replace=False).tolist()
        listed.add(key, numbers)
        settled.add(key, numbers)
        if key % 50 == 0:
            with monkeypatch.context() as patch:
                patch.setattr("relatum_server.index.postings._LISTED", -1000)
                settled.settle()

    for number in range(41):
        one = np.array([number])
        assert settled.of_rarest(one, 1000).tolist() == listed.of_rarest(one, 1000).tolist()


def test_the_rarest_words_come_first_and_only_as_many_as_fit():
    postings = Postings()
    for key in range(10):
        postings.add(key, [1] if key else [1, 2])
    postings.add(50, [2])

    assert postings.of_rarest(np.array([1, 2]), 5).tolist() == [0, 50]
    assert postings.of_rarest(np.array([1, 2]), 12).tolist() == [*range(10), 50]
    assert postings.of_rarest(np.array([1]), 9).tolist() == []


def test_titles_are_there_again_when_the_lexical_index_is_opened(tmp_path):
    index, _ = Fts5Index.open(tmp_path / "lexical.db", weights=WEIGHTS)
    index.upsert([LexicalDocument(i, t) for i, t in enumerate(["red tea", "lamp", "red pot"])])
    index.remove([1])
    index.upsert([LexicalDocument(2, "tea pot")])
    index.set_revision(1)
    index.close()

    index, revision = Fts5Index.open(tmp_path / "lexical.db", weights=WEIGHTS)

    assert revision == 1
    assert index.titles is not None
    assert alike(index.titles, 0, 0, 1, 2) == pytest.approx([1, 0, 1 / 5])
    index.close()


def test_without_weights_of_words_there_are_no_vectors(tmp_path):
    index, _ = Fts5Index.open(tmp_path / "lexical.db")

    assert index.titles is None
    index.close()
