"""The similarity of words, and what an artifact says of it."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from relatum.artifact.v1 import manifest_pb2
from relatum_export.artifact.words import Words, WordTable
from relatum_export.corpus.segmentation import words
from relatum_export.errors import InputError

TITLES = ["red tea red", "green tea", "green lamp 60W", "lamp shade", "tea pot", "red shade tea"]


def test_the_similarity_of_a_catalogue_is_the_one_of_scikit_learn():
    known = TfidfVectorizer(analyzer=words, sublinear_tf=True).fit(TITLES)
    rows = known.transform(TITLES)

    found = WordTable.fit(TITLES).similarity(TITLES, TITLES)

    assert found == pytest.approx((rows @ rows.T).toarray(), abs=1e-4)  # weights have 4 decimals


def test_a_word_that_no_title_has_weighs_as_one_that_a_single_title_has():
    table = WordTable.fit(TITLES)

    assert table.similarity(["tea pot"], ["tea"]) == table.similarity(["tea unseen"], ["tea"])


def test_titles_count_once_however_many_products_have_them():
    assert WordTable.fit([*TITLES, *TITLES[:2], ""]) == WordTable.fit(TITLES)


def test_texts_without_words_are_alike_to_nothing():
    table = WordTable.fit(["", "!"])

    assert table.similarity(["?"], ["", "!!"]).tolist() == [[0, 0]]
    assert WordTable.fit(TITLES).similarity(["", "tea"], ["tea", ""]).tolist() == [[0, 0], [1, 0]]


def test_chinese_titles_share_words_though_no_blank_divides_them():
    (found,) = WordTable.fit(["红色连衣裙", "蓝色连衣裙"]).similarity(
        ["蓝色连衣裙"], ["红色连衣裙", "电饭锅"]
    )

    assert found[0] > 0.3
    assert found[1] == 0


def test_what_is_added_to_cosines_is_the_weight_of_the_use_times_the_similarity():
    table = WordTable.fit(TITLES)
    own = Words(table, None, {"similar": 0.4, "answers": 0.4})

    added = own.scores("similar", ["red tea"], TITLES)

    assert added is not None
    assert np.allclose(added, 0.4 * table.similarity(["red tea"], TITLES))
    assert own.scores("answers", ["red tea"], TITLES) is None  # no passages
    assert Words(table, table, {}).scores("similar", ["red tea"], TITLES) is None


def test_words_read_back_are_those_written(tmp_path):
    own = Words(WordTable.fit(TITLES), None, {"similar": 0.4, "search": 0.2})

    manifest = manifest_pb2.Manifest(words=own.write(tmp_path))
    found = Words.read(tmp_path, manifest)

    assert found is not None
    assert found.products == own.products
    assert found.passages is None
    assert found.weights == {"similar": 0.4, "search": 0.2, "rerank": 0, "answers": 0}


def test_an_artifact_made_before_has_no_words(tmp_path):
    assert Words.read(tmp_path, manifest_pb2.Manifest()) is None


@pytest.mark.parametrize("content", ["", "{}x", '{"products": {"rare": "a"}}', '{"products": 3}'])
def test_a_damaged_table_is_refused_with_its_name(tmp_path, content):
    (tmp_path / "words.json").write_text(content)
    manifest = manifest_pb2.Manifest(words=manifest_pb2.Words(file="words.json"))

    with pytest.raises(InputError, match=r"words\.json is damaged .*; export again"):
        Words.read(tmp_path, manifest)
