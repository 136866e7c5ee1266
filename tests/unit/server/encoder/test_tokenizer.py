import dataclasses

import pytest

from relatum_server.encoder.tokenizer import TextTokenizer
from relatum_server.errors import ArtifactError


def test_the_prefix_of_the_kind_stands_before_the_text(spec):
    tokenizer = TextTokenizer(spec)

    (query,) = tokenizer.tokenize(["milk"], "QUERY")
    (document,) = tokenizer.tokenize(["milk"], "DOCUMENT")

    assert query.ids.tolist() == [2, 4, 6, 3]
    assert document.ids.tolist() == [2, 5, 6, 3]


def test_texts_are_not_padded_to_each_other(spec):
    texts = TextTokenizer(spec).tokenize(["milk", "milk coffee tea", ""], "QUERY")

    assert [len(text.ids) for text in texts] == [4, 6, 3]


def test_a_long_text_is_cut_to_the_limit_with_its_special_tokens_and_flagged(spec):
    fits, long = TextTokenizer(spec).tokenize(["milk coffee tea", "milk coffee tea tea"], "QUERY")

    assert not fits.truncated
    assert long.truncated
    assert long.ids.tolist() == [2, 4, 6, 7, 8, 3]


def test_a_file_that_is_no_tokenizer_is_refused_by_name(spec, tmp_path):
    bad = tmp_path / "bad.json"
    bad.write_text("{}")

    with pytest.raises(ArtifactError, match=r"bad\.json: not a tokenizer file"):
        TextTokenizer(dataclasses.replace(spec, tokenizer_path=bad))
