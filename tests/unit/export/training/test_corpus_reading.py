"""What training reads out of a corpus: products, judged queries, pairs, the metric."""

import numpy as np
import pytest

from relatum_export.corpus.text import FULL, TITLE, TITLE_DESCRIPTION
from relatum_export.errors import InputError
from relatum_export.training.judged import JudgedSplit
from relatum_export.training.pairs import read_pairs, training_data
from relatum_export.training.products import Catalogue
from relatum_export.training.text_choice import choose_form
from relatum_export.training.validation import JudgedMetric, pair_metric, validation_metric


class FakeEncoder:
    """Two axes: likeness to `likes`, and everything else."""

    dimension = 2
    text_form = None

    def __init__(self, likes):
        self.likes = likes
        self.seen = []

    def encode(self, texts, *, kind, progress=None):
        self.seen += texts
        liked = [kind == "query" or self.likes in text for text in texts]
        return np.array([[1.0, 0.0] if yes else [0.0, 1.0] for yes in liked], dtype=np.float32)


@pytest.fixture
def catalogue(corpus):
    return Catalogue.read(corpus)


def test_attributes_of_numbers_alone_are_no_text(catalogue):
    assert catalogue.texts(FULL) == [
        "red shoe | for running",
        "blue shoe",
        "red hat | wool: soft, warm",
    ]


def test_a_corpus_without_products_is_refused(corpus):
    (corpus.path / "products.jsonl").write_text("", encoding="utf-8")

    with pytest.raises(InputError, match="no product"):
        Catalogue.read(corpus)


def test_queries_that_cannot_be_measured_are_left_out(corpus, catalogue):
    valid = JudgedSplit.read(corpus, catalogue, "valid")

    assert [query.query_id for query in valid.queries] == ["q1"]
    assert valid.queries[0].labels.tolist() == [3, 0]


def test_ndcg_ranks_the_judged_products_by_inner_product(corpus, catalogue):
    valid = JudgedSplit.read(corpus, catalogue, "valid")

    assert valid.ndcg(FakeEncoder("red"), catalogue, TITLE).tolist() == [1.0]
    assert valid.ndcg(FakeEncoder("blue"), catalogue, TITLE)[0] < 1


def test_the_form_that_ranks_best_on_valid_is_chosen(corpus, catalogue):
    valid = JudgedSplit.read(corpus, catalogue, "valid")

    choice = choose_form(FakeEncoder("blue"), catalogue, valid)
    worded = choose_form(FakeEncoder("running"), catalogue, valid)

    assert choice.form is TITLE
    assert worded.form in (TITLE_DESCRIPTION, TITLE)
    assert worded.scores["title+description"] == max(worded.scores.values())


def test_without_judgments_the_richest_form_is_taken(catalogue):
    assert choose_form(FakeEncoder("red"), catalogue, JudgedSplit("valid", ())).form is FULL


def test_products_in_pairs_are_rendered_in_the_chosen_form(corpus, catalogue):
    positives, _ = read_pairs(corpus, catalogue, TITLE, "train")

    assert [(pair.a, pair.b) for pair in positives] == [
        ("running shoe", "red shoe"),
        ("red shoe", "for running"),
        ("red shoe", "red hat"),
    ]


def test_only_kinds_with_several_grades_are_graded(corpus, catalogue):
    _, graded = read_pairs(corpus, catalogue, TITLE, "train")

    assert [(pair.b, pair.label) for pair in graded] == [("red shoe", 1.0), ("red hat", 0.0)]


def test_the_draw_keeps_small_kinds_and_repeats_itself(corpus, catalogue):
    first = training_data([(corpus, catalogue)], TITLE, max_pairs=4, seed=7)
    second = training_data([(corpus, catalogue)], TITLE, max_pairs=4, seed=7)

    assert first == second
    assert len(first.positives) + len(first.graded) == 4
    assert len({pair.kind for pair in first.positives}) == 2


def test_a_corpus_without_train_pairs_is_refused(corpus, catalogue, monkeypatch):
    monkeypatch.setattr(type(corpus), "has", lambda self, table: False)

    with pytest.raises(InputError, match="no train pairs"):
        training_data([(corpus, catalogue)], TITLE, max_pairs=4, seed=0)


def test_judgments_are_the_metric_where_a_corpus_has_them(corpus, catalogue):
    metric = validation_metric([(corpus, catalogue)], TITLE, seed=0)

    assert isinstance(metric, JudgedMetric)
    assert metric.name == "tiny/valid/NDCG@10"
    assert metric.measure(FakeEncoder("red")) == 1


def test_held_out_pairs_are_sought_among_the_catalogue(corpus, catalogue):
    pairs, _ = read_pairs(corpus, catalogue, TITLE, "valid")
    texts = [f"other {i}" for i in range(30)]

    metric = pair_metric("tiny/valid/R@10", pairs, texts, seed=0)

    assert metric.measure(FakeEncoder("blue")) == 1
    assert len(metric.candidates) == 31


def test_a_text_does_not_find_itself(corpus, catalogue):
    pairs, _ = read_pairs(corpus, catalogue, TITLE, "valid")
    metric = pair_metric("tiny/valid/R@10", pairs, ["red shoe", *map(str, range(9))], seed=0)

    found = metric.measure(FakeEncoder("red"))  # red shoe itself is likeliest, and left out

    assert found == 1
