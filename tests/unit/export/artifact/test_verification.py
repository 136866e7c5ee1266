"""When an exported graph counts as the same as PyTorch."""

import numpy as np
import pytest

from relatum_export.artifact.verification import Verifier, agreement, sample_texts
from relatum_export.corpus.text import TITLE, ProductText
from relatum_export.errors import QualityError
from relatum_export.training.judged import JudgedQuery, JudgedSplit
from relatum_export.training.products import Catalogue


class Turned:
    """Vectors of random directions, turned by an angle from those of the reference."""

    dimension = 8
    text_form = None

    def __init__(self, noise=0.0, sign=1.0):
        self.noise, self.sign = noise, sign

    def encode(self, texts, *, kind, progress=None):
        rows = []
        for text in texts:
            draw = np.random.default_rng(sum(text.encode()))
            row = draw.normal(size=8) + self.noise * draw.normal(size=8)
            rows.append((self.sign if kind == "query" else 1.0) * row / np.linalg.norm(row))
        return np.array(rows, dtype=np.float32)


@pytest.fixture
def verifier():
    products = tuple(ProductText(title=f"product {chr(97 + i)}") for i in range(20))
    catalogue = Catalogue(tuple(str(i) for i in range(20)), products)
    labels = np.array([3, 0, 2, 0, 1] * 4)
    query = JudgedQuery("q", "what", np.arange(20), labels)
    judged = [JudgedSplit("valid", (query,))]
    return Verifier("shop", catalogue.texts(TITLE), catalogue, TITLE, judged)


def test_the_same_vectors_pass_and_agree(verifier):
    found = verifier.verify("fp32", Turned(), verifier.reference(Turned()))

    assert found.min_cosine == pytest.approx(1)
    assert [(a.measure, a.agrees, a.changed_queries) for a in found.agreements] == [
        ("shop/valid/NDCG@10", True, 0)
    ]


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_vectors_that_are_off_are_refused(verifier, precision):
    with pytest.raises(QualityError, match=f"{precision} graph differs"):
        verifier.verify(precision, Turned(noise=2.0), verifier.reference(Turned()))


def test_what_int8_may_differ_is_too_much_for_fp32(verifier):
    reference = verifier.reference(Turned())

    assert verifier.verify("int8", Turned(noise=0.05), reference).mean_cosine < 0.9999
    with pytest.raises(QualityError):
        verifier.verify("fp32", Turned(noise=0.05), reference)


def test_a_graph_that_ranks_otherwise_is_refused_however_near_its_documents(verifier):
    with pytest.raises(QualityError, match="ranks otherwise"):
        verifier.verify("fp32", Turned(sign=-1.0), verifier.reference(Turned()))


def test_vectors_that_are_no_numbers_are_refused(verifier):
    with pytest.raises(QualityError):
        verifier.verify("int8", Turned(noise=np.nan), verifier.reference(Turned()))


def test_the_rule_takes_half_a_percent_of_the_mean():
    references = np.full(1000, 0.8)

    assert agreement("m", references * 1.0049, references).agrees
    assert not agreement("m", references * 1.02, references).agrees


def test_the_rule_takes_two_changed_queries_and_no_third():
    references = np.full(10, 0.8)
    two, three = references.copy(), references.copy()
    two[:2] -= 0.5
    three[:3] -= 0.5

    assert agreement("m", two, references).changed_queries == 2
    assert agreement("m", two, references).agrees
    assert not agreement("m", three, references).agrees


def test_the_sample_holds_the_shortest_and_the_longest_text():
    texts = ["x" * (i + 1) for i in range(900)] + ["", "x"]

    sample = sample_texts(texts)

    assert len(sample) == 300
    assert (len(sample[0]), len(sample[-1])) == (1, 900)
