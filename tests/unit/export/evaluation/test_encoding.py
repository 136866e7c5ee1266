"""Vectors are computed once for an encoder and kept."""

import numpy as np
import pytest

from relatum_export.console import Reporter
from relatum_export.evaluation import encoding
from relatum_export.evaluation.encoding import CachedEncoder, cached_torch, quick_torch
from relatum_export.training.encoder import TorchEncoder
from tests.unit.export.evaluation.corpora import GivenVectors
from tests.unit.export.training.tiny_encoder import write_tiny_encoder

WORDS = ("red", "green", "blue")
VECTORS = {"a": (1, 0), "b": (0, 1), "c": (0.6, 0.8)}


class Counting(GivenVectors):
    """Remembers what it was asked to encode."""

    def __init__(self):
        super().__init__(VECTORS)
        self.asked = []

    def encode(self, texts, *, kind, progress=None):
        self.asked += [(kind, text) for text in texts]
        return super().encode(texts, kind=kind, progress=progress)


def cached(encoder, folder=None, identity="one"):
    return CachedEncoder(encoder, identity, folder, "label", Reporter(as_json=True))


def test_equal_texts_are_encoded_once_and_an_empty_text_is_a_row_of_zeros():
    encoder = Counting()

    vectors = cached(encoder).encode(["b", "", "a", "b"], kind="document")

    assert encoder.asked == [("document", "b"), ("document", "a")]
    assert vectors.tolist() == [[0, 1], [0, 0], [1, 0], [0, 1]]


def test_a_text_as_query_and_as_document_are_two():
    encoder = Counting()
    both = cached(encoder)

    both.encode(["a"], kind="document")
    both.encode(["a"], kind="query")

    assert encoder.asked == [("document", "a"), ("query", "a")]


def test_a_second_run_encodes_only_what_is_new(tmp_path):
    cached(Counting(), tmp_path).encode(["a", "b"], kind="document")
    encoder = Counting()

    vectors = cached(encoder, tmp_path).encode(["c", "a"], kind="document")

    assert encoder.asked == [("document", "c")]
    assert np.allclose(vectors, np.array([[0.6, 0.8], [1, 0]]))


def test_another_encoder_does_not_see_the_vectors(tmp_path):
    cached(Counting(), tmp_path).encode(["a"], kind="document")
    encoder = Counting()

    cached(encoder, tmp_path, identity="two").encode(["a"], kind="document")

    assert encoder.asked == [("document", "a")]


def test_commands_side_by_side_lose_nothing_of_each_others(tmp_path):
    one, other = cached(Counting(), tmp_path), cached(Counting(), tmp_path)
    one.encode(["a", "b"], kind="document")
    other.encode(["b", "c"], kind="document")
    encoder = Counting()

    vectors = cached(encoder, tmp_path).encode(["a", "b", "c"], kind="document")

    assert encoder.asked == []
    assert np.allclose(vectors, np.array([[1, 0], [0, 1], [0.6, 0.8]]))


@pytest.fixture
def tiny(tmp_path):
    return TorchEncoder.load(str(write_tiny_encoder(tmp_path / "tiny", WORDS)))


def test_what_is_fitted_on_reads_in_bf16_where_the_processor_has_it(tiny, monkeypatch, tmp_path):
    exact = cached_torch(tiny, tmp_path, Reporter(as_json=True)).encode(WORDS, kind="document")
    monkeypatch.setattr(encoding, "takes_bf16", lambda _precision, _device: True)

    quick = quick_torch(tiny, tmp_path, Reporter(as_json=True)).encode(WORDS, kind="document")

    assert not np.array_equal(quick, exact)
    assert (quick * exact).sum(axis=1).min() > 0.999
    assert len([folder for folder in tmp_path.glob("torch-*") if folder.is_dir()]) == 2


def test_elsewhere_what_is_fitted_on_and_what_is_compared_are_one(tiny, monkeypatch, tmp_path):
    monkeypatch.setattr(encoding, "takes_bf16", lambda _precision, _device: False)

    quick_torch(tiny, tmp_path, Reporter(as_json=True)).encode(WORDS, kind="document")
    again = cached_torch(tiny, tmp_path, Reporter(as_json=True))

    assert len(again._row) == len(WORDS)
